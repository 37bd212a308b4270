import assert from 'node:assert/strict'
import { pino } from 'pino'
import { announce } from '../../src/daemon/announce.ts'
import { load } from '../config/support.ts'

/** The warnings of a start with this configuration. */
async function warnings(yaml: string): Promise<string[]> {
  const { config } = await load(yaml)
  const lines: string[] = []
  const write = (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg)
  const log = pino({ level: 'warn' }, { write })
  announce({ config, version: '1', address: 'http://here', ipnsName: undefined }, log)
  return lines
}

const OFFLINE = 'network: { mode: offline }\n'

describe('what a daemon warns of when it is ready', () => {
  it('is nothing where only this machine can come', async () => {
    assert.deepEqual(await warnings(OFFLINE), [])
    assert.deepEqual(await warnings(`${OFFLINE}auth: { openToAll: true }`), [])
  })

  for (const [how, yaml] of [
    ['an address', 'http: { addr: "0.0.0.0:0" }'],
    ['a name', 'http: { hosts: [registry.example] }'],
    ['a proxy', 'http: { trustProxy: [127.0.0.1] }'],
  ] as const)
    it(`is that everybody can push who comes by ${how} (auth.openToAll)`, async () => {
      const [line = '', ...more] = await warnings(`${OFFLINE}${yaml}\nauth: { openToAll: true }`)
      assert.match(line, /everybody who reaches http:\/\/here can push and delete.*auth\.openToAll/)
      assert.deepEqual(more, [])
    })

  it('is what the policies leave to everybody, where there are some', async () => {
    const yaml =
      'http: { addr: "0.0.0.0:0" }\nauth: { openToAll: true }\naccess: { policies: [{ anonymous: true, allow: [pull] }] }'
    assert.match((await warnings(OFFLINE + yaml))[0] ?? '', /can do what access allows everybody/)
  })

  it('is that passwords can be read on their way (auth.plainHttp)', async () => {
    const yaml =
      'http: { addr: "0.0.0.0:0" }\nauth: { mode: htpasswd, htpasswd: u, plainHttp: true }'
    const lines = await warnings(OFFLINE + yaml)
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /auth\.plainHttp/)
  })
})
