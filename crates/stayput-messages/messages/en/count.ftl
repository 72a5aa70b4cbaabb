# How many there are of something, for other messages to quote. The number has the name of the thing in the message that quotes it.

n-addresses = { $addresses ->
        [one] { GROUPED($addresses) } address
       *[other] { GROUPED($addresses) } addresses
    }
n-calls = { $calls ->
        [one] { GROUPED($calls) } call
       *[other] { GROUPED($calls) } calls
    }
n-classes = { $classes ->
        [one] { GROUPED($classes) } class
       *[other] { GROUPED($classes) } classes
    }
n-edges = { $edges ->
        [one] { GROUPED($edges) } edge
       *[other] { GROUPED($edges) } edges
    }
n-external-subnets = { $subnets ->
        [one] { GROUPED($subnets) } external subnet
       *[other] { GROUPED($subnets) } external subnets
    }
n-holes = { $holes ->
        [one] { GROUPED($holes) } hole
       *[other] { GROUPED($holes) } holes
    }
n-machines = { $machines ->
        [one] { GROUPED($machines) } machine
       *[other] { GROUPED($machines) } machines
    }
n-mappings = { $mappings ->
        [one] { GROUPED($mappings) } mapping
       *[other] { GROUPED($mappings) } mappings
    }
n-networks = { $networks ->
        [one] { GROUPED($networks) } network
       *[other] { GROUPED($networks) } networks
    }
n-obstacles = { $obstacles ->
        [one] { GROUPED($obstacles) } obstacle
       *[other] { GROUPED($obstacles) } obstacles
    }
n-prefixes = { $prefixes ->
        [one] { GROUPED($prefixes) } externally routable prefix
       *[other] { GROUPED($prefixes) } externally routable prefixes
    }
n-sites = { $sites ->
        [one] { GROUPED($sites) } site
       *[other] { GROUPED($sites) } sites
    }
n-states = { $states ->
        [one] { GROUPED($states) } state
       *[other] { GROUPED($states) } states
    }
n-steps = { $steps ->
        [one] { GROUPED($steps) } step
       *[other] { GROUPED($steps) } steps
    }
n-vms = { $vms ->
        [one] { GROUPED($vms) } VM
       *[other] { GROUPED($vms) } VMs
    }
n-waves = { $waves ->
        [one] { GROUPED($waves) } wave
       *[other] { GROUPED($waves) } waves
    }
