//! Files of every kind read as pages.
