# What a command says while it runs.

progress-reading = reading { $what }
progress-agents = agents of Systems Manager in { $region }
progress-guests = guests: the script has ended in { $ended } of { $of }
progress-bar = {"{bar:32} {pos}/{len}"} steps  {"{elapsed}"} elapsed  {"{msg}"}
progress-unobserved = { $what } could not be read: { $why }
progress-run = { $goal }: { n-steps } (run { $run })
progress-superseded = superseded and closed: run { $run } ({ $goal })
progress-phase = phase { $phase }: { n-steps }
progress-waits = phase { $phase } waits until { $until }
progress-asking-again = asking systems of lost sites again, each until its time limit: { $what }
progress-changed = changed since the plan was approved: { $what }
progress-retrying = { $step }: { $error }; retrying
progress-failed = { $step }: { $error }
progress-in-doubt = { $step }: { $error } (it may have taken effect nevertheless)
progress-done = done after { n-steps } in { $took }
progress-stopped = stopped after { n-steps } in { $took }
