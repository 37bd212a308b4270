import type { OptionName } from './options.ts'

/** How a command is written, and what it says about itself. */
export interface CommandForm {
  /** Without what follows it: `key export`. */
  readonly name: string
  /** What follows it; in brackets what may be left out. */
  readonly words: readonly string[]
  /** As its usage shows them; where absent, each of its own options in brackets. */
  readonly shown?: string
  /** Besides --help and --version. */
  readonly options: readonly OptionName[]
  readonly summary: string
  readonly example: string
  /** What its exit codes say, where it is not the usual. */
  readonly exits?: Readonly<Record<number, string>>
}

/** Which node it is about. */
const NODE = ['config', 'data'] as const

/** Every command: what is not here is no command, and what a command does not name here it does not take. */
export const FORMS: readonly CommandForm[] = [
  {
    name: 'serve',
    words: ['[config.yaml]'],
    options: NODE,
    summary: 'start the daemon',
    example: 'heliport serve /etc/heliport/config.yaml',
    exits: {
      0: 'it was told to stop (SIGTERM, SIGINT), and did',
      1: 'it could not start; the message says why',
      130: 'stopped by a second SIGINT, without an orderly end (143: SIGTERM)',
    },
  },
  {
    name: 'status',
    words: [],
    options: [...NODE, 'json'],
    summary: 'what the running daemon is doing',
    example: 'heliport status --data /var/lib/heliport',
    exits: { 1: 'no daemon runs there, or it does not answer' },
  },
  {
    name: 'key show',
    words: ['[NAME]'],
    options: [...NODE, 'json'],
    summary: 'the keys of this node and the IPNS names they publish under',
    example: 'heliport key show registry',
  },
  {
    name: 'key export',
    words: ['NAME'],
    shown: '-o FILE',
    options: [...NODE, 'output'],
    summary: 'write a private key to a new file (libp2p protobuf, not encrypted)',
    example: 'heliport key export registry -o registry.key',
  },
  {
    name: 'key import',
    words: ['NAME', 'FILE'],
    options: [...NODE, 'replace'],
    summary: 'put a private key from a file into the keychain',
    example: 'heliport key import registry registry.key --replace',
  },
  {
    name: 'key takeover',
    words: [],
    options: NODE,
    summary: 'publish again, above another writer of the same key',
    example: 'heliport key takeover',
  },
  {
    name: 'user add',
    words: ['NAME'],
    options: NODE,
    summary: 'add a user, or give one another password (asked for, or read from stdin)',
    example: 'heliport user add anna --config config.yaml',
  },
  {
    name: 'user remove',
    words: ['NAME'],
    options: NODE,
    summary: 'remove a user',
    example: 'heliport user remove anna --config config.yaml',
  },
  {
    name: 'user list',
    words: [],
    options: [...NODE, 'json'],
    summary: 'the names of all users',
    example: 'heliport user list --config config.yaml',
  },
  {
    name: 'swarm key',
    words: [],
    options: ['output'],
    shown: '[-o FILE]',
    summary: 'make a key for a private network, in the format of Kubo',
    example: 'heliport swarm key -o swarm.key',
  },
  {
    name: 'export',
    words: ['DIR'],
    options: NODE,
    summary: 'write the registry as files, in the layout of CNCF Distribution',
    example: 'heliport export /srv/registry-files',
  },
  {
    name: 'log',
    words: [],
    shown: '[--limit N] [--json]',
    options: [...NODE, 'limit', 'json'],
    summary: 'what was changed, when, and the root after it',
    example: 'heliport log --limit 5',
  },
  {
    name: 'diff',
    words: ['FROM', 'TO'],
    options: [...NODE, 'json'],
    summary: 'what is different in the second of two roots (CIDs, or numbers of the log)',
    example: 'heliport diff 17 18',
  },
  {
    name: 'rollback',
    words: ['ROOT'],
    options: [...NODE, 'dry-run'],
    summary: 'make the registry what it was under a root, as a new change',
    example: 'heliport rollback 17 --dry-run',
  },
  {
    name: 'gc',
    words: [],
    options: [...NODE, 'dry-run', 'trust-clock', 'json'],
    summary: 'collect garbage now, or say what that would delete',
    example: 'heliport gc --dry-run',
  },
  {
    name: 'fsck',
    words: [],
    shown: '[--repair [--accept-loss]] [--json]',
    options: [...NODE, 'repair', 'accept-loss', 'json'],
    summary: 'check everything that is stored; exits with 1 when something is damaged',
    example: 'heliport fsck --repair',
    exits: {
      0: 'all is well, or was mended',
      1: 'something is damaged',
      69: 'it could not be checked; the message says why',
    },
  },
  {
    name: 'version',
    words: [],
    options: [],
    summary: 'the version of Heliport',
    example: 'heliport version',
    exits: {},
  },
  {
    name: 'help',
    words: ['[COMMAND]'],
    options: [],
    summary: 'this, or the help of one command',
    example: 'heliport help key export',
    exits: {},
  },
]

/** As one writes it: `heliport diff FROM TO [--json]`. */
export function synopsis({ name, words, shown, options }: CommandForm): string {
  const own = options.filter((option) => option !== 'config' && option !== 'data')
  const brackets = shown ?? own.map((option) => `[--${option}]`).join(' ')
  return ['heliport', name, ...words, brackets].filter((part) => part !== '').join(' ')
}

/** The forms of a command: `key` has several, `key export` one, and what is no command none. */
export function formsOf(words: readonly string[]): CommandForm[] {
  const [first = '', second = ''] = words
  const exact = FORMS.filter(({ name }) => name === `${first} ${second}` || name === first)
  return exact.length > 0 ? exact : FORMS.filter(({ name }) => name.startsWith(`${first} `))
}
