//! Documents that services hand out, as adapters read them: where something stands, and when it was. Pure;
//! shared by the rooms beside it.

pub mod moment;
pub mod path;
