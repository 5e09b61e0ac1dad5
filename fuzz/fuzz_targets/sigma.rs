#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opev_fuzz::sigma(data));
