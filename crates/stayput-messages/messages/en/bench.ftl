# What `stayput bench` tells while it measures, and its tables, which stand in docs/benchmarks.md.

bench-one-of-each = one number of machines and one concurrency are needed

## Columns and units

bench-machines = machines
bench-addresses = addresses
bench-steps = steps
bench-wall-time = wall time
bench-of-all = { $some } of { $all }

## stayput bench demo

bench-demo-run = { $machines ->
        [one] demo with { $machines } machine, run { $run }
       *[other] demo with { $machines } machines, run { $run }
    }
bench-demo-of-which = of which
bench-demo-kept = addresses kept

## stayput bench plan

bench-plan-run = { $machines ->
        [one] planning for { $machines } machine
       *[other] planning for { $machines } machines
    }
bench-plan-states = states proven
bench-plan-observe = observe
bench-plan-plan = plan and proof
bench-plan-command = `stayput plan move …` in all
bench-plan-observe-peak = peak while observing
bench-plan-plan-peak = peak while planning
bench-plan-peak = peak with the plan as JSON

## stayput bench fabric

bench-fabric-run = { $addresses ->
        [one] { $addresses } address, { $about }
       *[other] { $addresses } addresses, { $about }
    }
bench-fabric-about-others = others
bench-fabric-about-addresses = single addresses
bench-fabric-routes = routes
bench-fabric-about = they are about
bench-fabric-sources = sources
bench-fabric-classes = classes
bench-fabric-peak = peak with world and model
bench-fabric-load = from the loaded world to the model
bench-fabric-trace = all classes from all sources, there and back
bench-fabric-check-median = one route change, median
bench-fabric-check-longest = one route change, longest
bench-fabric-states = states of the plan
bench-fabric-proof = its proof

## stayput bench nics

bench-nics-moving = moving the machines, so that there are NICs to restore
bench-nics-run = { $machines ->
        [one] restoring { $machines } machine, { $concurrency } at once
       *[other] restoring { $machines } machines, { $concurrency } at once
    }
bench-nics-at-once = at once
bench-nics-wall = wall
bench-nics-rate = restores/s
bench-nics-floor = floor of the latencies
bench-nics-of-floor = of it
bench-nics-client = client's limit
bench-nics-median = median restore

## Why nothing is measured

bench-no-plan = no plan to measure: { n-obstacles }
bench-too-few-machines = { $machines ->
        [one] only { $machines } machine has one NIC and room in its pool
       *[other] only { $machines } machines have one NIC and room in their pool
    }
bench-other-plan = { $wrong ->
        [one] { $wrong } NIC was made wrong, the plan restores { $restored }
       *[other] { $wrong } NICs were made wrong, the plan restores { $restored }
    }
bench-nothing-measured = some machine's NICs were not wrong, so nothing was measured
