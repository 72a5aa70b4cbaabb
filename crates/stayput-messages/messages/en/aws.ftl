# What goes wrong with a call to AWS.

aws-call = { $service } { $operation } in { $region } ({ $endpoint })
aws-call-attempts = { $service } { $operation } in { $region } ({ $endpoint }, { $attempts } attempts)
aws-no-connection = no connection
aws-no-answer = no answer
aws-no-credentials = no AWS credentials from { $tried }
aws-error = { $call }: { $code }: { $message }
aws-error-of-request = { $call }: { $code }: { $message } (request { $request })
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
aws-tried-chain = the environment, profiles or instance metadata
aws-credentials-off = the AWS configuration switches credentials off
aws-input-not-serialisable = { $operation }: input not serialisable
aws-problem-of-variable = { $problem } (from { $variable } or the AWS configuration files)
aws-endpoint-is-plain = endpoint { $said } is plain HTTP, which is allowed on loopback only: use https://
aws-no-endpoint = `{ $said }` is not an endpoint such as https://127.0.0.1:4566
aws-ca-file-unreadable = the CA file { $file } cannot be read
aws-ca-file-unusable = the CA file { $file } has no usable PEM certificate
aws-tls-unusable = the TLS settings are unusable
