package definition

// ssl and sasl are the keys of Kafka's clients. Those of a cluster have its prefix, as source.cluster.sasl.mechanism;
// without it they have no effect, and are declared because Kafka declares them.

const ssl = `
ssl.protocol STRING MEDIUM TLSv1.3
  Has no effect: TLS is the newest that both sides have, of ssl.enabled.protocols.
ssl.provider STRING MEDIUM -
  Has no effect.
ssl.cipher.suites LIST LOW -
  Has no effect: suites are chosen by the worker.
ssl.enabled.protocols LIST MEDIUM TLSv1.2,TLSv1.3
  TLSv1.2 and TLSv1.3 are known.
ssl.keystore.type STRING MEDIUM JKS
  PEM is known.
ssl.keystore.location STRING HIGH -
  Has no effect: a module reads no files. Give ssl.keystore.certificate.chain and ssl.keystore.key, perhaps by a
  configuration provider.
ssl.keystore.password PASSWORD HIGH -
  Has no effect: PEM has none.
ssl.key.password PASSWORD HIGH -
  Has no effect: keys must not be encrypted.
ssl.keystore.key PASSWORD HIGH -
  Private key of the client, PEM, not encrypted.
ssl.keystore.certificate.chain PASSWORD HIGH -
  Certificates of the client, PEM.
ssl.truststore.certificates PASSWORD HIGH -
  Certificates that servers are verified by, PEM; absent: the worker's own.
ssl.truststore.type STRING MEDIUM JKS
  PEM is known.
ssl.truststore.location STRING HIGH -
  Has no effect: a module reads no files. Give ssl.truststore.certificates, perhaps by a configuration provider.
ssl.truststore.password PASSWORD HIGH -
  Has no effect: PEM has none.
ssl.keymanager.algorithm STRING LOW SunX509
  Has no effect.
ssl.trustmanager.algorithm STRING LOW PKIX
  Has no effect.
ssl.endpoint.identification.algorithm STRING LOW https
  https is known: names of servers are always verified.
ssl.secure.random.implementation STRING LOW -
  Has no effect.
ssl.engine.factory.class CLASS LOW -
  Has no effect.
`

const sasl = `
sasl.kerberos.service.name STRING MEDIUM -
  Has no effect: Kerberos is not supported.
sasl.kerberos.kinit.cmd STRING LOW /usr/bin/kinit
  Has no effect: Kerberos is not supported.
sasl.kerberos.ticket.renew.window.factor DOUBLE LOW 0.8
  Has no effect: Kerberos is not supported.
sasl.kerberos.ticket.renew.jitter DOUBLE LOW 0.05
  Has no effect: Kerberos is not supported.
sasl.kerberos.min.time.before.relogin LONG LOW 60000
  Has no effect: Kerberos is not supported.
sasl.login.refresh.window.factor DOUBLE LOW 0.8 0.5..1.0
  Has no effect: OAuth is not supported.
sasl.login.refresh.window.jitter DOUBLE LOW 0.05 0.0..0.25
  Has no effect: OAuth is not supported.
sasl.login.refresh.min.period.seconds SHORT LOW 60 0..900
  Has no effect: OAuth is not supported.
sasl.login.refresh.buffer.seconds SHORT LOW 300 0..3600
  Has no effect: OAuth is not supported.
sasl.mechanism STRING MEDIUM GSSAPI
  PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are known.
sasl.jaas.config PASSWORD MEDIUM -
  User and password, as in: org.apache.kafka.common.security.plain.PlainLoginModule required username="u"
  password="p";
sasl.client.callback.handler.class CLASS MEDIUM -
  Has no effect: OAuth is not supported.
sasl.login.callback.handler.class CLASS MEDIUM -
  Has no effect: OAuth is not supported.
sasl.login.class CLASS MEDIUM -
  Has no effect: OAuth is not supported.
sasl.login.connect.timeout.ms INT LOW -
  Has no effect: OAuth is not supported.
sasl.login.read.timeout.ms INT LOW -
  Has no effect: OAuth is not supported.
sasl.login.retry.backoff.max.ms LONG LOW 10000
  Has no effect: OAuth is not supported.
sasl.login.retry.backoff.ms LONG LOW 100
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwt.retriever.class CLASS MEDIUM org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwt.validator.class CLASS MEDIUM org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
  Has no effect: OAuth is not supported.
sasl.oauthbearer.scope STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.client.credentials.client.id STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.client.credentials.client.secret PASSWORD MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.algorithm STRING MEDIUM RS256 ~ES256|RS256
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.aud STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.exp.seconds INT LOW 300 0..86400
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.iss STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.jti.include BOOLEAN MEDIUM false
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.nbf.seconds INT LOW 60 0..3600
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.claim.sub STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.file STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.private.key.file STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.private.key.passphrase PASSWORD MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.assertion.template.file STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.scope.claim.name STRING LOW scope
  Has no effect: OAuth is not supported.
sasl.oauthbearer.sub.claim.name STRING LOW sub
  Has no effect: OAuth is not supported.
sasl.oauthbearer.token.endpoint.url STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwks.endpoint.url STRING MEDIUM -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwks.endpoint.refresh.ms LONG LOW 3600000
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms LONG LOW 10000
  Has no effect: OAuth is not supported.
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms LONG LOW 100
  Has no effect: OAuth is not supported.
sasl.oauthbearer.clock.skew.seconds INT LOW 30
  Has no effect: OAuth is not supported.
sasl.oauthbearer.expected.audience LIST LOW -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.expected.issuer STRING LOW -
  Has no effect: OAuth is not supported.
sasl.oauthbearer.header.urlencode BOOLEAN LOW false
  Has no effect: OAuth is not supported.
`
