//! The machine, through sysinfo.
