import assert from 'node:assert/strict'
import { pino } from 'pino'
import { ChangingRules } from '../../src/access/changing.ts'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { ANONYMOUS } from '../../src/access/ports.ts'
import { PolicyReloader } from '../../src/daemon/policy.ts'
import { parseName } from '../../src/oci/name.ts'
import { load } from '../config/support.ts'

const APP = parseName('app')
const READ = 'access: { policies: [{ anonymous: true, allow: [pull] }] }'

/** Rules of a configuration file whose text can be changed. */
async function world(yaml: string) {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const { config: started } = await load(yaml)
  const rules = new ChangingRules({ ...started.access, byDefault: OPEN_ACCESS.policy })
  const file = { yaml, reads: 0 }
  const source = {
    stamp: async () => file.yaml,
    read: async () => {
      file.reads++
      return (await load(file.yaml)).config
    },
  }
  const reloader = new PolicyReloader({ source, rules, started, log, every: 2 ** 30 })
  const change = async (text: string) => {
    file.yaml = text
    await reloader.look()
  }
  const may = () => rules.may(ANONYMOUS, 'push', APP)
  return { file, change, may, lines, [Symbol.asyncDispose]: () => reloader[Symbol.asyncDispose]() }
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
