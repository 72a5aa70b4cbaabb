//! The emulator: AWS, two Prism Centrals and Move on loopback.
