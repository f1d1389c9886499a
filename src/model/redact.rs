//! What must never be shown: finds secrets by the name of their key and by the shape of their value.
