//! Tests of the emulated Prism Central, through its handler.

mod access;
mod fixture;
mod machines;
mod networks;
mod protection;
mod recovery;
