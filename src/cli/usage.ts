/** The commands, as `heliport help` shows them. */
export const USAGE = `heliport: a container registry that lives inside an IPFS node

usage:
  heliport serve [config.yaml]           start the daemon
  heliport status [--json]               what the running daemon is doing
  heliport key show [NAME]               the keys of this node and the IPNS names they publish under
  heliport key export NAME -o FILE       write a private key to a new file (libp2p protobuf, not encrypted)
  heliport key import NAME FILE [--replace]
  heliport key takeover                  publish again, above another writer of the same key
  heliport user add NAME                 add a user, or give one another password (asked for, or read from stdin)
  heliport user remove NAME
  heliport user list
  heliport swarm key [-o FILE]           make a key for a private network, in the format of Kubo
  heliport export DIR                    write the registry as files, in the layout of CNCF Distribution
  heliport log [--limit N] [--json]      what was changed, when, and the root after it
  heliport diff FROM TO [--json]         what is different in the second of two roots (CIDs, or numbers of the log)
  heliport rollback ROOT [--dry-run]     make the registry what it was under a root, as a new change
  heliport gc [--dry-run] [--trust-clock] [--json]
                                         collect garbage now, or say what that would delete
  heliport fsck [--repair [--accept-loss]] [--json]
                                         check everything that is stored; exits with 1 when something is damaged
  heliport version
  heliport help

options:
  --config FILE   the configuration file
  --data DIR      the data directory, where it is not the configuration's
  -h, --help
  -v, --version

Without --config and --data, the data directory is that of the defaults and the environment (REGISTRY_…).
Every option of the configuration is explained in example-config.yaml.
`
