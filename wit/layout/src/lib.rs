//! The flat batch layout and the Connect schema model shared by host and guests
