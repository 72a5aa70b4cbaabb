# What goes wrong with a call to AWS.

aws-call = { $service } { $operation } in { $region } ({ $endpoint })
aws-call-attempts = { $service } { $operation } in { $region } ({ $endpoint }, { $attempts } attempts)
aws-no-connection = no connection
aws-no-answer = no answer
aws-no-credentials = no AWS credentials from { $tried }
aws-error = { $call }: { $code }: { $message }
aws-error-of-request = { $call }: { $code }: { $message } (request { $request })
aws-no-message = no message
aws-timeout = { $call }: { $phase } within { $seconds } s
aws-not-understood = { $call }: answer not understood

## No conversation with the endpoint

connect-refused = connection refused
connect-name-not-found = name does not resolve
connect-certificate-not-trusted = certificate not trusted: its issuer is not among the trusted ones
connect-certificate = certificate not accepted: { $what }
connect-tls = TLS: { $what }
connect-broken = connection broke: { $what }
connect-cut-off = answer broke off: { $what }
connect-plain-http = plain HTTP is refused except on loopback
connect-pub = plain HTTP to { $host } is refused: only loopback may be called without TLS

## What AWS is to be reached with

aws-tried-profile = profile `{ $profile }`
aws-tried-given-key = the given access key
aws-tried-chain = the environment, profiles or instance metadata
aws-credentials-off = the AWS configuration switches credentials off
aws-input-not-serialisable = { $operation }: input not serialisable
aws-problem-of-variable = { $problem } (from { $variable } or the AWS configuration files)
aws-endpoint-is-plain = endpoint { $said } is plain HTTP, which is allowed on loopback only: use https://
aws-no-endpoint = `{ $said }` is not an endpoint such as https://127.0.0.1:4566
aws-ca-file-unreadable = the CA file { $file } cannot be read
aws-ca-file-unusable = the CA file { $file } has no usable PEM certificate
aws-tls-unusable = the TLS settings are unusable

## What is wrong with an answer, after the place in it

answer-place = answer
answer-too-many-tags = more than { $limit } tags
answer-too-many-attributes = an element of more than { $limit } attributes
answer-too-deep = nested more than { $limit } deep
answer-list-too-large = the list has more than { $limit } bytes
answer-list-repeats = the same token again: the list repeats itself
answer-list-too-long = the list has more than { $limit } pages
answer-no-json = { $why }; it begins: { $begin }
answer-empty = is empty
answer-missing = missing
answer-body-not-read = its body was not read
answer-announces-too-much = the answer announces more than { $limit } bytes
answer-interface-not-returned = an instance lists this interface, and AWS does not return it by its id
answer-instance-not-told = asked for by its id, AWS returned neither the instance nor an error that it does not exist
answer-dry-run-ignored = the endpoint ignored the dry run and may have done { $action }
answer-without-instance = { $id } was asked for and is not in the answer
answer-entry = { $list } entry { $number }
answer-object-not-told = asked for by its id, AWS returned neither the object nor an error that it does not exist
answer-of-foreign-vpc = { $problem } (it is in { $vpc }, which the estate does not name)
answer-empty-entry = an entry is empty
answer-unknown-route-state = `{ $state }` is no state of a route that is known here
answer-ipv6-only = it is IPv6-only: it has no IPv4 range
answer-missing-subnet = missing, and it is not the main table
answer-missing-primary = missing, and no address is the primary one
answer-no-target = no target
answer-no-main-table = the answer lacks the main route table of this VPC
answer-routes-of-prefix = more than a whole answer of routes for one prefix
answer-routes-kept-back = after { $searches } searches the endpoint still keeps routes back
answer-not-read = it was not read
answer-of-no-call = no call waits for it
answer-too-large = has more than { $limit } bytes
answer-no-xml = is no XML ({ $why }); it begins: { $begin }
answer-other-root = the outermost element is { $root }, not { $wanted }
answer-text-for-list = text where a list belongs
answer-no-entry = not an entry of a list
