//! An embedded engine that plays scenario files.
