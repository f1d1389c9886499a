//! Details of what is selected, in tabs.
