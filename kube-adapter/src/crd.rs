//! The resources, as they are served and stored: types and nothing else.
