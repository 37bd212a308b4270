import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import { ChangingRules } from '../../src/access/changing.ts'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { ANONYMOUS } from '../../src/access/ports.ts'
import { PolicyReloader } from '../../src/daemon/policy.ts'
import { parseName } from '../../src/oci/name.ts'
import { load } from '../config/support.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { eventually } from '../support/two-nodes.ts'

const APP = parseName('app')
const READ = 'access: { policies: [{ anonymous: true, allow: [pull] }] }'

/** Rules of a configuration file whose text can be changed. */
async function world(yaml: string) {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  // Else it would be below each file, which is another one each time.
  const env = { REGISTRY_STORAGE_PATH: '/data' }
  const { config: started } = await load(yaml, env)
  const rules = new ChangingRules({ ...started.access, byDefault: OPEN_ACCESS.policy })
  const file = { yaml, reads: 0 }
  const source = {
    stamp: async () => file.yaml,
    read: async () => {
      file.reads++
      return (await load(file.yaml, env)).config
    },
  }
  const reloader = new PolicyReloader({ source, rules, started, log, every: 2 ** 30 })
  const change = async (text: string) => {
    file.yaml = text
    await reloader.look()
  }
  const reload = () => reloader.reload()
  const may = () => rules.may(ANONYMOUS, 'push', APP)
  const close = () => reloader[Symbol.asyncDispose]()
  return { file, change, reload, may, lines, [Symbol.asyncDispose]: close }
}

describe('rules that change while the daemon runs (B65)', () => {
  it('hold once the file was looked at', async () => {
    await using it = await world('access: {}')
    assert.equal(it.may(), true)
    await it.change(READ)
    assert.equal(it.may(), false)
    await it.change('access: {}')
    assert.equal(it.may(), true)
    assert.equal(it.lines.length, 2)
  })

  it('stay when the file is broken, which is said once, and are taken when it is mended', async () => {
    await using it = await world(READ)
    await it.change('access: { policies: 7 }')
    await it.change('access: { policies: 7 }')
    assert.equal(it.may(), false)
    assert.equal(it.lines.length, 1)
    assert.match(it.lines[0] ?? '', /access\.policies/)
    await it.change('access: {}')
    assert.equal(it.may(), true)
  })

  it('are not read again while the file is the same', async () => {
    await using it = await world(READ)
    await it.change(READ)
    await it.change(READ)
    assert.equal(it.file.reads, 1)
    assert.equal(it.lines.length, 0)
  })
})

describe('SIGHUP', () => {
  it('makes a real daemon say that publish: false waits for a restart (nothing was said)', async () => {
    await using daemon = await DaemonProcess.start()
    const config = JSON.parse(await readFile(daemon.configFile, 'utf8')) as object
    const rules = [{ match: ['secret/**'], publish: false }]
    await writeFile(daemon.configFile, JSON.stringify({ ...config, repositories: rules }))
    process.kill(daemon.pid, 'SIGHUP')
    const isSaid = () =>
      daemon.log.some((line) => /waits for a restart of the daemon: repositories\. /.test(line))
    await eventually(async () => isSaid(), 'the warning')
  })
})

describe('what changes in the configuration while the daemon runs, and waits for a restart', () => {
  const parsed = (line = '{}') =>
    JSON.parse(line) as { level: number; keys?: string[]; msg: string }
  const WARN = 40

  it('is named in a warning, each option by its path', async () => {
    await using it = await world('access: {}')
    await it.change(`
repositories: [{ match: [secret/**], publish: false }]
storage: { delete: { enabled: false } }
http: { addr: "127.0.0.1:6000", namespaces: { docker.io: hub } }
`)
    assert.equal(it.lines.length, 1)
    const { level, keys, msg } = parsed(it.lines[0])
    assert.equal(level, WARN)
    assert.deepEqual(keys, [
      'http.addr',
      'http.namespaces',
      'storage.delete.enabled',
      'repositories',
    ])
    assert.match(msg, /waits for a restart.*http\.addr.*repositories\. What is pushed before/)
  })

  it('is named beside the rules that are taken over, and these are not named', async () => {
    await using it = await world('access: {}')
    await it.change(`${READ}\nlog: { level: debug }\n`)
    assert.equal(it.may(), false)
    assert.deepEqual(
      it.lines.map((line) => parsed(line).keys),
      [undefined, ['log.level']],
    )
  })

  it('is an entry of a list that has changed within, too', async () => {
    const rules = (publish: boolean) => `repositories: [{ match: [a], publish: ${publish} }]`
    await using it = await world(rules(true))
    await it.change(`# the same\n${rules(true)}`)
    assert.equal(it.lines.length, 0)
    await it.change(rules(false))
    assert.deepEqual(parsed(it.lines[0]).keys, ['repositories'])
  })

  it('is said again to whoever asks by SIGHUP, and not every ten seconds', async () => {
    const changed = 'log: { level: debug }'
    await using it = await world('access: {}')
    await it.change(changed)
    await it.change(changed)
    assert.equal(it.lines.length, 1)
    await it.reload()
    assert.equal(it.lines.length, 2)
  })

  it('is over when the file is as it was, which is said', async () => {
    await using it = await world('access: {}')
    await it.change('log: { level: debug }')
    await it.change('access: {} # again')
    assert.match(parsed(it.lines[1]).msg, /nothing waits/)
    await it.reload()
    assert.equal(it.lines.length, 2)
  })
})
