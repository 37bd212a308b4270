/** The options of all commands, as they are parsed. */
export const OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  output: { type: 'string', short: 'o' },
  json: { type: 'boolean' },
  limit: { type: 'string' },
  'dry-run': { type: 'boolean' },
  replace: { type: 'boolean' },
  repair: { type: 'boolean' },
  'trust-clock': { type: 'boolean' },
  'accept-loss': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

export type OptionName = keyof typeof OPTIONS

/** What each of them is, for who asks a command for help. */
export const OPTION_WORDS: Readonly<Record<OptionName, readonly [form: string, words: string]>> = {
  output: ['-o, --output FILE', 'the file to write, which must not be there yet'],
  json: ['--json', 'as JSON, for programs'],
  limit: ['--limit N', 'how many, instead of 20'],
  'dry-run': ['--dry-run', 'say what would be different, and change nothing'],
  replace: ['--replace', 'in place of a key of that name, which is destroyed'],
  repair: ['--repair', 'mend what can be mended, also from peers if the daemon runs'],
  'accept-loss': [
    '--accept-loss',
    'with --repair: go on without what the journal lost, where nothing brings it back',
  ],
  'trust-clock': ['--trust-clock', 'believe the clock, however far it has jumped ahead'],
  config: ['--config FILE', 'the configuration file'],
  data: ['--data DIR', "the data directory, where it is not the configuration's"],
  help: ['-h, --help', 'this'],
  version: ['-v, --version', 'the version of Heliport'],
}
