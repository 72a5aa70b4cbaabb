// Half of the mutations are libFuzzer's own, half are those of texts with structure.
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mutated = stayput_fuzz::mutate(&data[..size], u64::from(seed), max_size);
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});
