//! What the machine (or the container) gives.

/// Memory of the machine, or of the control group if that is less.
pub fn memory_bytes() -> usize {
    const UNKNOWN: usize = 4 << 30;
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
            line.split_ascii_whitespace().nth(1)?.parse::<usize>().ok()
        });
    let machine = machine.map_or(UNKNOWN, |kb| kb * 1024);
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|path| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<usize>()
            .ok()
    })
    .min();
    group.map_or(machine, |g| g.min(machine))
}

/// Processors this process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}
