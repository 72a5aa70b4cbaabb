#![no_main]

include!("../mutator.rs");

libfuzzer_sys::fuzz_target!(|data: &[u8]| stayput_fuzz::mv(data));
