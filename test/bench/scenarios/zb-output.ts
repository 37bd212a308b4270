import type { Sample } from '../figures.ts'

/**
 * Reads what zb writes: of each test its requests a second, under the test's name.
 *
 * @throws Error when there is none, or a request failed
 */
export function parseZb(output: string): Sample[] {
  const samples: Sample[] = []
  for (const part of output.split(/^=+$/m).slice(1)) {
    const read = (what: string) => new RegExp(`^${what}:\\s+(.+)$`, 'm').exec(part)?.[1]?.trim()
    const name = read('Test name')
    const value = Number(read('Requests per second'))
    if (name === undefined || Number.isNaN(value)) continue
    const failed = Number(read('Failed requests') ?? 0)
    if (failed > 0) throw new Error(`zb, ${name}: ${failed} requests failed`)
    samples.push({ name, unit: 'requests/s', value })
  }
  if (samples.length === 0) throw new Error(`zb tells of no test:\n${output.slice(0, 2000)}`)
  return samples
}
