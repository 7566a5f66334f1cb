dnl MTA-STS for Sendmail 8.17 and newer, as Debian builds it (_FFR_MTA_STS). Put this file into /etc/mail and, in
dnl /etc/mail/sendmail.mc before the MAILER lines,
dnl     include(`/etc/mail/mtasts.m4')dnl
dnl then "make -C /etc/mail" and restart. To go back, take that line away. "mtasts setup sendmail" does all of this, with a
dnl unix socket for Sendmail alone. By hand, mtastsd must listen at the address below, which it does not by default:
dnl docs/sendmail.md. Every local user may connect to TCP.
dnl
dnl Who may be trusted to vouch for a mail host: without it no certificate is, and mail to domains that enforce
dnl a policy waits.
define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
dnl
dnl mtastsd is asked for the domain of each recipient. Where it says "secure", the connection must be verified, the name of
dnl the MX host must be one that the policy lists, and it must be in the certificate's subjectAltName; else the next MX
dnl host is tried, and with none left the message waits. For all other domains nothing changes. While mtastsd does not
dnl answer, mail waits (<TMPF>): nobody can make it go unprotected by stopping a daemon.
dnl Sendmail waits for 30 seconds (-d30), longer than engine.deadline_s in mtasts.toml. With its usual five, mail to a domain
dnl whose name servers are slow to say that there is no policy would never go out.
dnl
dnl Sendmail before 8.18.2 needs help. It refuses a certificate for *.example.com where the MX host is mx1.example.com. And it judges
dnl a certificate only when it connects, and for one recipient: others of that message, and the next message on the same
dnl connection, go the same way even if their domain enforces a policy. So there the test of the certificate's names is left to
dnl the rules below, which allow a wildcard and look for each recipient whether the connection is verified; and each
dnl message gets a connection of its own. They must not be used with 8.18.2: it would skip them, and test no name at all.
dnl The two are told apart by a word in Sendmail's own rules.
ifelse(esyscmd(`grep -l STS_NO_SAN_CHECK '_CF_DIR_`m4/proto.m4'), `', `dnl
define(`confMCI_CACHE_SIZE', `0')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl that needs the cache
FEATURE(`sts', `socket -d30 -T<TMPF> inet:8461@127.0.0.1', `NO_SAN_TST')dnl
LOCAL_CONFIG
O SetCertAltnames=true
LOCAL_RULESETS
SSTS_SAN
R$*			$: $&{verify} $| $&{server_name}
ROK $| $*		$: $1
R$* $| $*		$#error $@ 4.7.0 $: 450 $2 is not verified: $1
R$+.			$: $1
# the name itself
R$={cert_altnames}	$@ ok
# *. and all but its first label; no rule looks again at what it has made, so only one label is given away
R$-.$+			$: *.$2
R$={cert_altnames}	$@ ok
R$*			$#error $@ 4.7.0 $: 450 $&{server_name} not listed in SANs
', `dnl
FEATURE(`sts', `socket -d30 -T<TMPF> inet:8461@127.0.0.1')dnl
')dnl
divert(0)dnl
