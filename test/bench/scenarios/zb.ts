import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { howToGet } from '../../tools/catalog.ts'
import { run } from '../../e2e/support/command.ts'
import { findTool } from '../../tools/find.ts'
import { inTurns } from '../in-turns.ts'
import { DISTRIBUTIONS } from '../scenario.ts'
import { parseZb } from './zb-output.ts'
import type { Goal } from '../figures.ts'
import type { Scenario } from '../scenario.ts'

/** What zb's users run: ten clients, a hundred requests of each kind. */
const USUAL = { clients: 10, requests: 100, tests: '' }
const QUICK = { clients: 2, requests: 4, tests: '1MB' }

/** Its tests that need another registry behind the one that is measured. */
const NOT_OURS = /Sync/

const AS_FAST: readonly Goal[] = [{ ratio: 1, than: ['zot'] }]

/** It does not send back the query of an upload's `Location`, without which Distribution refuses the upload. */
const NOT_DISTRIBUTION =
  'Distribution is not measured: zb leaves out the query of the `Location` of an upload, which Distribution needs.'

/** zot's own load generator. */
export const ZB: Scenario = {
  id: 'zb',
  title: 'zb, the load generator of zot',
  how: `\`zb -c ${USUAL.clients} -n ${USUAL.requests}\`, all of its tests but those of synchronization. What was pushed stays (\`--skip-cleanup\`).`,
  goals: { 'Push Monolith 100MB': AS_FAST, 'Push Chunk Streamed 100MB': AS_FAST },
  writes: true,
  disk: ({ contenders, quick }) => contenders.length * (quick ? 2 ** 28 : 2 ** 33),
  missing: async () => ((await findTool('zb')) === undefined ? `zb: ${howToGet('zb')}` : undefined),
  async run(stage) {
    const zb = await findTool('zb')
    if (zb === undefined) throw new Error('zb is not here')
    const { clients, requests, tests } = stage.quick ? QUICK : USUAL
    const directory = join(stage.directory, 'zb')
    await mkdir(directory)
    const args = ['--skip-cleanup', '--concurrency', `${clients}`, '--requests', `${requests}`]
    const which = tests === '' ? [] : ['--test-regex', tests]
    const contenders = stage.contenders.filter(
      ({ id }) => !DISTRIBUTIONS.some((distribution) => distribution === id),
    )
    const outcome = await inTurns(
      { ...stage, contenders },
      {
        fresh: true,
        async turn({ running: { host } }) {
          const all = [...args, ...which, '--working-dir', directory, `http://${host}`]
          const output = await run(zb, all, { timeout: 30 * 60_000, signal: stage.signal })
          return parseZb(output).filter(({ name }) => !NOT_OURS.test(name))
        },
      },
    )
    return { ...outcome, notes: [NOT_DISTRIBUTION] }
  },
}
