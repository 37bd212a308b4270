import { spawnSync } from 'node:child_process'

/** What the registry knows of weaknesses in what is installed with us. */
export type RegistryAudit =
  | { readonly answered: true; readonly found: readonly string[] }
  | { readonly answered: false; readonly why: string }

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, { severity: string; range: string }>>
  readonly message?: string
  readonly error?: { readonly summary?: string; readonly code?: string }
}

/** Asks it (`npm audit`). */
export function askRegistry(): RegistryAudit {
  const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 2 ** 20,
  })
  return error === undefined ? readReport(stdout) : { answered: false, why: error.message }
}

/** Reads what `npm audit --json` printed: that it could not ask is no good news. */
export function readReport(text: string): RegistryAudit {
  let report: Report
  try {
    report = JSON.parse(text) as Report
  } catch (error) {
    if (error instanceof SyntaxError) return { answered: false, why: 'npm printed no report' }
    throw error
  }
  const { vulnerabilities, error, message } = report
  if (vulnerabilities === undefined)
    return {
      answered: false,
      why: firstWords(error?.summary || message || error?.code || 'no report'),
    }
  const found = Object.entries(vulnerabilities)
    .filter(([, { severity }]) => severity === 'high' || severity === 'critical')
    .map(([name, { severity, range }]) => `${name} ${range}: ${severity}`)
  return { answered: true, found }
}

/** Without the address of the registry. */
function firstWords(text: string): string {
  return text.replace(/\s*-?\s*(GET|POST)?\s*https?:\/\/\S+/g, '').split('\n')[0] ?? ''
}
