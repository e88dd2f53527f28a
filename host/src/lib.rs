//! The tidegate executable
