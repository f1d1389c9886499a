//! What a PEM certificate says: when it ends, whom it is for, who issued it. Chains of trust are not judged.

use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::DecodePem as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::model::text::clean;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Names that are told.
const NAMES: usize = 8;

pub struct Found {
    pub not_before: Option<Timestamp>,
    pub not_after: Timestamp,
    pub facts: Vec<(String, String)>,
}

/// Whether this text holds a certificate.
pub fn is_in(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Reads the first certificate, which is the server's own; of those behind it the one that ends first is told.
pub fn read(text: &str) -> Result<Found, String> {
    let mut all = blocks(text).map(|block| {
        Certificate::from_pem(block).map_err(|error| format!("the certificate cannot be read: {error}"))
    });
    let own = all.next().ok_or_else(|| String::from("the certificate has no end"))??;
    let body = &own.tbs_certificate;
    let mut facts =
        vec![(String::from("subject"), name(&body.subject)), (String::from("issuer"), name(&body.issuer))];
    if let Ok(Some((_, names))) = body.get::<SubjectAltName>() {
        let names: Vec<String> = names.0.iter().filter_map(general).take(NAMES).collect();
        facts.push((String::from("names"), names.join(" ")));
    }
    let not_after = moment(body.validity.not_after).ok_or("the certificate ends at no moment")?;
    let behind = all.flatten().filter_map(|next| {
        let body = next.tbs_certificate;
        Some((moment(body.validity.not_after)?, name(&body.subject)))
    });
    if let Some((at, subject)) = behind.min().filter(|(at, _)| *at < not_after) {
        facts.push((String::from("chain ends first"), format!("{subject} at {at:.0}")));
    }
    facts.retain(|(_, words)| !words.is_empty());
    Ok(Found { not_before: moment(body.validity.not_before), not_after, facts })
}

fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(BEGIN).filter_map(move |(start, _)| {
        let rest = &text[start..];
        rest.find(END).map(|end| &rest[..end + END.len()])
    })
}

fn moment(time: x509_cert::time::Time) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}

fn name(name: &Name) -> String {
    clean(&name.to_string())
}

fn general(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(clean(name.as_str())),
        GeneralName::IpAddress(address) => match address.as_bytes() {
            [a, b, c, d] => Some(format!("{a}.{b}.{c}.{d}")),
            bytes => {
                <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
            }
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../../fixtures/tokens/cert.pem");

    #[test]
    fn the_end_the_names_and_the_issuer_are_told() {
        let found = read(PEM).unwrap();
        assert_eq!(found.not_after.to_string(), "2036-11-17T23:04:53Z");
        let facts: Vec<String> = found.facts.iter().map(|(name, words)| format!("{name}: {words}")).collect();
        assert_eq!(
            facts,
            [
                "subject: O=stackdash tests,CN=gateway.test",
                "issuer: O=stackdash tests,CN=gateway.test",
                "names: gateway.test *.gateway.test 192.0.2.7 2001:db8::7",
            ]
        );
    }

    #[test]
    fn damage_is_told() {
        assert!(read(&PEM.replace("MII", "MIJ")).is_err());
        assert!(read(&PEM[..PEM.len() / 2]).is_err());
        assert!(!is_in("-----BEGIN PRIVATE KEY-----"));
    }
}
