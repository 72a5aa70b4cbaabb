# What happens to packets, and what a step must not do to them.

delivery-no-sender = no sender
delivery-delivered = delivered at { $place }
delivery-reply-lost = arrives at { $place }, but the reply does not: { $reply }
delivery-not-delivered = { $verdict }

## In a few words, for lists of many

brief-delivered = { $place }
brief-reply-lost = { $place }, replies lost
brief-no-machine = no machine at { $place }
brief-wrong-site = { $led ->
        [local] local to { $sent_to }, machine at { $machine_at }
       *[by-route] sent to { $sent_to }, machine at { $machine_at }
    }
brief-leaves-by-nat = lost through { $gateway }
brief-loop = loop
brief-not-modelled = not modelled

## In a hole

hole-wrong-site = { $led ->
        [local] local to { $sent_to } while the machine is at { $machine_at }
       *[by-route] sent to { $sent_to } while the machine is at { $machine_at }
    }

## Harm that a step does, and why there is no order

moment-after = after step { $step }
moment-during = while step { $step } takes effect
harm-in-flight = { $verdict } ({ $visibility })
harm-served-twice = machines at { $sites } answer at once
blocked-after-call = after "{ $call }" { $from } → { $address }: { $harm }
blocked-without-it = without it { $from } → { $address }: { $harm }
no-order-conflict = { $calls ->
        [0] { $blocked }
        [one] when { n-calls } is made, { $blocked }
       *[other] when { n-calls } are made, { $blocked }
    }
no-order-too-many = { n-calls } are too many to search for a safe order
