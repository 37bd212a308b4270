import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { AuditLog } from '../../src/daemon/audit-log.ts'
import { Refusals } from '../../src/daemon/audit-refusals.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { AuditEntry } from '../../src/api/audit.ts'
import type { Config } from '../../src/config/schema.ts'

const entry = (action: AuditEntry['action'], more: Partial<AuditEntry> = {}): AuditEntry => ({
  request: 'r',
  action,
  user: undefined,
  address: '192.0.2.1',
  repository: undefined,
  reference: undefined,
  digest: undefined,
  status: 403,
  bytes: undefined,
  ...more,
})

/** A log on disk, of files as small as they can be. */
async function openLog() {
  const directory = await temporaryDirectory()
  const file = join(directory.path, 'audit.log')
  const config = { audit: { file, maxSize: 64 * 1024, keep: 1, pulls: false } } as Config
  const log = (await AuditLog.open(config, pino({ level: 'silent' })))!
  const fields = async (name: string, file = 'audit.refusals.log'): Promise<unknown[]> => {
    const text = await readFile(join(directory.path, file), 'utf8')
    const lines = text.split('\n').slice(0, -1)
    return lines.map((line) => (JSON.parse(line) as Record<string, unknown>)[name])
  }
  const close = async () => {
    await log[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
  }
  return { log, fields, directory: directory.path, [Symbol.asyncDispose]: close }
}

/** How many of `count` refusals get a line. */
function admitted(bound: Refusals, count: number, addressOf: (n: number) => string): number {
  return Array.from({ length: count }, (_, n) => addressOf(n)).filter((address) =>
    bound.admits('denied', address),
  ).length
}

describe('refusals in the audit log', () => {
  it('never push out what was done, however many there are', async () => {
    await using opened = await openLog()
    const { log, fields, directory } = opened
    for (const action of ['push-blob', 'push-manifest'] as const) await log.write(entry(action))
    const repository = 'x'.repeat(200)
    for (let n = 0; n < 1000; n++)
      await log.write(entry('denied', { address: `10.2.${Math.floor(n / 100)}.1`, repository }))
    assert.deepEqual(await fields('action', 'audit.log'), ['push-blob', 'push-manifest'])
    assert.deepEqual(await readdir(directory), [
      'audit.log',
      'audit.refusals.log',
      'audit.refusals.log.1',
    ])
  })

  it('of one address are told one by one a hundred times a minute; of the others, how many', async () => {
    await using opened = await openLog()
    const { log, fields } = opened
    for (let n = 0; n < 250; n++) await log.write(entry('denied'))
    await log.write(entry('denied', { address: '192.0.2.2' }))
    await log[Symbol.asyncDispose]()
    const actions = await fields('action')
    assert.equal(actions.filter((action) => action === 'denied').length, 101)
    assert.equal(actions.at(-1), 'refusals-omitted')
    assert.deepEqual((await fields('count')).at(-1), 150)
    assert.deepEqual((await fields('kind')).at(-1), 'denied')
  })

  it('of one host with a whole IPv6 network leave room for those of everybody else', () => {
    assert.equal(
      admitted(new Refusals(() => 0), 300, (n) => `2001:db8::${n.toString(16)}`),
      100,
      'a /64 is one address',
    )
    const bound = new Refusals(() => 0)
    const ofSite = admitted(bound, 5000, (n) => `2001:db8:0:${(n % 256).toString(16)}::1`)
    assert.equal(ofSite, 300, 'a /48')
    assert.equal(bound.admits('denied', '2001:db8:1::1'), true)
    assert.equal(bound.admits('denied', '192.0.2.1'), true)
  })

  it('that cost nothing do not hide who guesses passwords', async () => {
    await using opened = await openLog()
    const { log, fields } = opened
    for (const action of ['denied', 'rate-limited', 'login-failed'] as const)
      for (let n = 0; n < 200; n++) await log.write(entry(action, { request: 'flood' }))
    for (let n = 0; n < 9; n++)
      await log.write(entry('login-failed', { request: 'guess', isGuess: true }))
    const requests = await fields('request')
    assert.equal(requests.filter((request) => request === 'guess').length, 9)
    assert.equal(requests.filter((request) => request === 'flood').length, 300)
    assert.ok((await fields('isGuess')).every((field) => field === undefined))
  })

  it('have room again after a minute, for each address and for all', () => {
    let now = 0
    const bound = new Refusals(() => now)
    assert.equal(
      admitted(bound, 2000, (n) => `10.0.${n >> 8}.${n & 255}`),
      1000,
    )
    assert.deepEqual(bound.omitted(), [])
    now = 60_000
    assert.deepEqual(bound.omitted(), [{ kind: 'denied', count: 1000 }])
    assert.equal(bound.admits('denied', '10.0.0.1'), true)
  })
})
