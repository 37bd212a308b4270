import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { CLIENTS } from './all.ts'
import { parseArguments } from './arguments.ts'
import { ACTIONS } from './client.ts'
import { EXAMPLES } from './examples/all.ts'
import { exampleSuites } from './examples/example.ts'
import { markdown, summary } from './report.ts'
import { runSuite } from './runner.ts'
import { clientSuite } from './suite.ts'
import type { Client } from './client.ts'
import type { SuiteResult } from './outcome.ts'
import type { Run } from './runner.ts'
import type { Suite } from './suite.ts'

const COMPLAINT = 'first: {"level":50,"msg":"the disk is full"}'

function start(suite: Suite, more: Partial<Run> = {}): Promise<SuiteResult> {
  const hosts = { host: '127.0.0.1:1', other: '127.0.0.1:2', mirror: '127.0.0.1:3' }
  const daemons = { hosts, complaints: () => [COMPLAINT] }
  const { signal } = new AbortController()
  return runSuite(suite, { daemons, tell: () => undefined, signal, ...more })
}

/** A client that needs no program. */
function fake(more: Partial<Client> = {}): Client {
  return {
    name: 'fake',
    needs: [],
    version: () => Promise.resolve('1.0'),
    actions: {},
    cannot: {},
    ...more,
  }
}

function resultsOf(...clients: SuiteResult[]) {
  return { clients, examples: [], took: 1 }
}

describe('the client matrix', () => {
  it('every action of a real client is done, or there is a reason why not', () => {
    for (const { name, actions, cannot = {} } of CLIENTS) {
      for (const action of ACTIONS)
        assert.ok(action in actions !== action in cannot, `${name}: ${action}`)
    }
  })

  it('every block of the documentation is run by an example, and every client has one', async () => {
    const suites = await exampleSuites(EXAMPLES)
    assert.deepEqual([...suites.keys()].toSorted(), CLIENTS.map(({ name }) => name).toSorted())
  })

  it('what fails is told with what the daemons had logged, and the others are tried still', async () => {
    const client = fake({
      actions: {
        push: () => Promise.reject(new Error('the registry said 500')),
        'pull by tag': () => Promise.resolve(),
      },
      cannot: { delete: 'no command for it' },
    })
    const result = await start(clientSuite(client))
    const text = summary(resultsOf(result), [])
    assert.match(text, /^push +FAILED$/m)
    assert.match(text, /^pull by tag +✔$/m)
    assert.match(text, /^delete +–$/m)
    assert.match(text, /the registry said 500\n +first: .*the disk is full/)
    assert.match(text, /fake, delete: no command for it/)
    // The actions of which it says nothing have failed as well.
    assert.match(text, /^ {2}1 passing .*\n {2}7 failing$/m)
  })

  it('what never ends is given up, and the client is stopped', async () => {
    let stopped = false
    const suite = clientSuite(
      fake({
        actions: { push: () => pause(60_000, undefined, { ref: false }) },
        stop: () => Promise.resolve(void (stopped = true)),
      }),
    )
    const { outcomes } = await start(suite, { deadline: 50 })
    const outcome = outcomes.get('push')
    assert.ok(outcome?.kind === 'failed')
    assert.match(String(outcome.error), /longer than 0\.05 s/)
    assert.ok(stopped)
  })

  it('a client that does not start is a failure, also when it does not stop then', async () => {
    const failing = (words: string) => () => Promise.reject(new Error(words))
    const client = fake({ start: failing('no memory'), stop: failing('no engine') })
    const text = summary(resultsOf(await start(clientSuite(client))), [])
    assert.match(text, /start and stop:\n +no memory\n +no engine/)
    assert.match(text, /^ {2}1 failing$/m)
  })

  it('a program that is missing is named, with the way to get it', async () => {
    const client = fake({ needs: ['crane', 'skopeo'] })
    const { PATH, HELIPORT_TOOLS } = process.env
    Object.assign(process.env, { PATH: '', HELIPORT_TOOLS: import.meta.dirname })
    let result: SuiteResult
    try {
      result = await start(clientSuite(client))
    } finally {
      process.env['PATH'] = PATH
      if (HELIPORT_TOOLS === undefined) delete process.env['HELIPORT_TOOLS']
      else process.env['HELIPORT_TOOLS'] = HELIPORT_TOOLS
    }
    assert.match(result.skipped ?? '', /crane is missing: npm run tools/)
    assert.match(result.skipped ?? '', /skopeo is missing: apt-get install skopeo/)
    const text = summary(resultsOf(result), ['fake'])
    assert.match(text, /NOT RUN:\n {2}fake: crane is missing/)
    assert.match(text, /^ {2}1 failing$/m)
  })

  it('a run that is to end stops its client, and removes its directory', async () => {
    const stop = new AbortController()
    let directory = ''
    let stopped = false
    const suite = clientSuite(
      fake({
        actions: {
          push: async (world) => {
            directory = world.directory
            setImmediate(() => stop.abort(new Error('Ctrl-C')))
            await pause(60_000, undefined, { signal: world.signal })
          },
          'pull by tag': () => Promise.reject(new Error('this is tried nevertheless')),
        },
        stop: (world) => Promise.resolve(void (stopped = !world.signal.aborted)),
      }),
    )
    await assert.rejects(start(suite, { signal: stop.signal }), /Ctrl-C/)
    assert.ok(stopped)
    await assert.rejects(access(directory))
  })

  it('is written down as a table, with versions and reasons', async () => {
    const actions = Object.fromEntries(ACTIONS.map((name) => [name, () => Promise.resolve()]))
    const { delete: _, ...others } = actions
    const result = await start(
      clientSuite(fake({ actions: others, cannot: { delete: 'no command for it' } })),
    )
    const page = markdown(resultsOf(result), '2026-01-31')
    assert.match(page, /^\| push \| ✔ \|$/m)
    assert.match(page, /^\| delete \| – \|$/m)
    assert.match(page, /^- fake, delete: no command for it$/m)
    assert.match(page, /^\| fake \| 1\.0 \|$/m)
    assert.match(page, /on 2026-01-31/)
  })

  it('knows its arguments', () => {
    const known = ['docker', 'crane']
    assert.deepEqual(parseArguments(['crane', '--require', 'docker,crane'], known), {
      names: ['crane'],
      required: ['docker', 'crane'],
      write: false,
      tls: false,
    })
    assert.equal(parseArguments(['--tls'], known).tls, true)
    for (const wrong of [
      ['cran'],
      ['--require', 'cran'],
      ['--writ'],
      ['crane', '--write'],
      ['--tls', '--write'],
    ])
      assert.throws(() => parseArguments(wrong, known), wrong.join(' '))
  })
})
