//! Usage from control group files, else from the engine.
