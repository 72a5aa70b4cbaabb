# What goes wrong with a call to Prism Central or Move.

appliance-call = { $service } of site `{ $site }`: { $what } ({ $method } { $url })
setup-url = { $service } of site `{ $site }`: `{ $url }` is not an address such as https://host:port
setup-not-encrypted = { $service } of site `{ $site }`: `{ $url }` is not encrypted; only https is spoken, except on loopback
setup-ca-file = { $service } of site `{ $site }`: the CA file { $path } cannot be read: { $reason }
setup-client = { $service } of site `{ $site }`: the HTTPS client cannot be made: { $reason }
tls-unknown-issuer = its certificate is not signed by a trusted CA
tls-wrong-name = its certificate is for another name
tls-expired = its certificate has expired
tls-not-yet-valid = its certificate is not valid yet
tls-other = TLS: { $problem }
appliance-not-understood = { $call }: the answer is not understood at `{ $path }`
appliance-list = { $call }: { $problem }
list-too-long = the list is said to have { $total } objects; at most { $limit } are read
list-endless = the list did not end after { $pages } pages
list-unsettled = the list was read { $reads } times and was never complete: { $got } objects were given, { $expected } announced
list-repeats = pages of the list repeat; whether the { $got } objects given are all cannot be told
appliance-in-doubt = { $call }: in doubt: { $reason }
doubt-task-gone = task { $task } does not exist (any more)
doubt-task-suspended = task { $task } is suspended
doubt-task-status = task { $task } ended as `{ $status }`, which is neither known as success nor as failure
doubt-not-found = it was accepted, but { $what } is not there
doubt-not-looked-up = what became of it could not be looked up
appliance-certificate = { $call }: { $problem }
appliance-no-connection = { $call }: no connection: { $why }
appliance-no-answer-in-time = { $call }: no answer within { $seconds } s
appliance-no-connection-in-time = { $call }: no connection within { $seconds } s
appliance-refuses-password = { $call }: user or password refused (HTTP { $status })
appliance-refuses-user = { $call }: not permitted for this user (HTTP { $status })
appliance-ambiguous = { $call }: there is more than one { $what }: { $ids }
doubt-too-slow = { $what } did not end within { $seconds } s
doubt-task-too-slow = task { $task } did not end within { $seconds } s; it was `{ $status }` at { $percent } %
doubt-task-too-slow-at-unknown = task { $task } did not end within { $seconds } s; it was `{ $status }` at an unknown percentage
wire-not-sent = no connection
wire-connect-timeout = no connection in time
wire-broken = the connection broke
wire-too-long = the answer is too long

## Prism Central

prism-missing = { $call }: { $what } is not there
difference-locations = its primary and recovery locations are others, or the other way round; run the same command again
prism-differs = { $call }: { $what } exists, but { $difference }
prism-task-failed = { $call }: its task `{ $operation }` ended as { $status }
prism-task-lost = { $call }: its task { $task } does not exist any more, and it is not done
prism-unsupported = Prism Central of site `{ $site }`: { $what } needs { $namespace } { $needs } or later; this one has { $has }
prism-has-no-v4 = no v4 at all
prism-no-request-id = `{ $text }` is not a request id (a UUID)

## Move

move-missing = { $call }: { $what } is not there
move-check-failed = { $check }: { $message }
move-problem-of-vm = VM { $vm }: { $message }
move-offers-nothing = { $call }: VM { $vm } is in state `{ $state }`, where Move offers nothing
move-offers = { $call }: VM { $vm } is in state `{ $state }`, where Move offers { $offered }
