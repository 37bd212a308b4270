import { parse, stringify } from 'yaml'
import { parseJunit } from './junit.ts'
import type { JunitCase } from './junit.ts'

/** In the words of the newer suite. */
export type Status = 'Pass' | 'FAIL' | 'Error' | 'Skip' | 'Disabled'

export const STATUSES: readonly Status[] = ['Pass', 'FAIL', 'Error', 'Skip', 'Disabled']

/** What one run of a suite gave. */
export interface Outcome {
  /** The tests that the suite counted. */
  readonly counts: Readonly<Record<Status, number>>
  /** What it sums up: the status of each API and of each kind of data, or of each spec. */
  readonly rows: ReadonlyMap<string, Status>
  /** The tests that did not pass, with what the suite said. */
  readonly notPassed: readonly { name: string; status: Status; why: string }[]
  /** The commit of the suite; the older one does not tell. */
  readonly commit: string | undefined
  /** To be kept: YAML without what is only true of this machine. */
  readonly record: string
}

/** What the newer suite says in `results.yaml`. */
interface Results {
  config: Record<string, unknown>
  apis: Record<string, string>
  data: Record<string, string>
}

/** Only true of this machine, and of this run. */
const OF_THIS_RUN = new Set(['registry', 'resultsDir'])

/** Reads what the newer suite wrote. @throws Error when something of it is not as it must be */
export function readOutcome(resultsYaml: string, junitXml: string): Outcome {
  const results = parse(resultsYaml) as Partial<Results> | null
  const { config, apis, data } = results ?? {}
  if (config === undefined || apis === undefined || data === undefined)
    throw new Error('results.yaml has no config, no apis, or no data')
  const rows = new Map<string, Status>()
  for (const [name, status] of Object.entries(apis)) rows.set(`API: ${name}`, statusOf(status))
  for (const [name, status] of Object.entries(data)) rows.set(`Data: ${name}`, statusOf(status))

  const { totals, cases } = parseJunit(junitXml)
  const total = (name: string): number => Number(totals[name] ?? 0)
  const counts = {
    Pass: 0,
    FAIL: total('failures'),
    Error: total('errors'),
    Skip: total('skipped'),
    Disabled: total('disabled'),
  }
  counts.Pass = total('tests') - Object.values(counts).reduce((sum, count) => sum + count)
  const missed = notPassed(cases)
  const kept = Object.entries(config).filter(([name]) => !OF_THIS_RUN.has(name))
  return {
    counts,
    rows,
    notPassed: missed,
    commit: typeof config['commit'] === 'string' ? config['commit'] : '',
    record: stringify({ config: Object.fromEntries(kept), counts, apis, data, ...listed(missed) }),
  }
}

/** What the older suite's specs are all called with; the kind of a spec stood before it until ginkgo left it out. */
const OLD_PREFIX = /^(?:\[It\] )?OCI Distribution Conformance Tests /

/** Reads the JUnit report of the older suite, which writes no other. @param settings for the record */
export function readOldOutcome(
  junitXml: string,
  settings: Readonly<Record<string, string>>,
): Outcome {
  const specs = parseJunit(junitXml)
    .cases.filter(({ name }) => OLD_PREFIX.test(name)) // the others are its reporters
    .map((spec) => ({ ...spec, name: spec.name.replace(OLD_PREFIX, '') }))
  const rows = new Map<string, Status>()
  const counts = { Pass: 0, FAIL: 0, Error: 0, Skip: 0, Disabled: 0 }
  for (const { name, status } of specs) {
    const is = statusOf(status)
    counts[is]++
    // Some have the same name; the worst of them is shown.
    rows.set(name, worst(is, rows.get(name) ?? is))
  }
  const record = stringify({ settings, counts, specs: Object.fromEntries(rows) })
  return { counts, rows, notPassed: notPassed(specs), commit: undefined, record }
}

function listed(missed: Outcome['notPassed']): { notPassed: string[] } {
  return { notPassed: missed.map(({ name, status }) => `${status}: ${name}`) }
}

function notPassed(cases: readonly JunitCase[]): Outcome['notPassed'] {
  return cases
    .map(({ name, status, message }) => {
      const is = statusOf(status)
      // JUnit has one word for both.
      const disabled = is === 'Skip' && message.endsWith('is disabled in the configuration')
      return { name, status: disabled ? ('Disabled' as const) : is, why: message }
    })
    .filter(({ status }) => status !== 'Pass')
}

/** Both suites', and JUnit's words. @throws Error for any other */
function statusOf(word: string): Status {
  const same = STATUSES.find((status) => status.toLowerCase() === word.toLowerCase())
  if (same !== undefined) return same
  if (word === 'passed') return 'Pass'
  if (word === 'failed' || word === 'failure') return 'FAIL'
  if (word === 'skipped') return 'Skip'
  // Ginkgo's: what was not ended in the ordinary way is never a pass, whatever it is called.
  return 'Error'
}

function worst(a: Status, b: Status): Status {
  const order: readonly Status[] = ['Pass', 'Disabled', 'Skip', 'FAIL', 'Error']
  return order.indexOf(a) > order.indexOf(b) ? a : b
}
