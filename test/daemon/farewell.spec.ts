import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { pino } from 'pino'
import { sayGoodbye } from '../../src/daemon/farewell.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import type { IncomingMessage } from 'node:http'

interface Line {
  readonly level: number
  readonly msg: string
  readonly reason?: string
  readonly requests?: number
}

const INFO = 30
const IDLE = { requests: 0, collection: undefined, check: false, publishing: false }

describe('what a daemon says when it stops', () => {
  const lines: Line[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  beforeEach(() => void (lines.length = 0))

  it('is why, and what is under way', () => {
    const signal = AbortSignal.abort(new Error('stopped by SIGTERM'))
    const underWay = { requests: 2, collection: 'sweep', check: true, publishing: true }
    sayGoodbye(log, { signal, underWay })()
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg]),
      [
        [
          INFO,
          'stopping (stopped by SIGTERM); under way: 2 requests, a collection (sweep), a check, publishing, which goes on after the next start',
        ],
        [INFO, 'stopped'],
      ],
    )
  })

  it('is that nothing is under way, where nothing is', () => {
    sayGoodbye(log, { signal: new AbortController().signal, underWay: IDLE })
    assert.match(lines[0]?.msg ?? '', /nobody needs it any more.*under way: nothing$/)
  })

  it('begins with the request that it waits for, and its last line is that it has stopped', async () => {
    await using daemon = await DaemonProcess.start()
    const path = await new RegistryClient(daemon.url).startUpload('app')
    // Of an upload that has begun, the rest comes when the daemon has said that it stops.
    const headers = { Expect: '100-continue' }
    const sent = request(new URL(path, daemon.url), { method: 'PATCH', agent: false, headers })
    sent.flushHeaders()
    await once(sent, 'continue')
    const before = daemon.log.length
    const exit = daemon.stop()
    while (!daemon.log.slice(before).some((line) => line.includes('"stopping')))
      await new Promise((resolve) => void setImmediate(resolve))
    sent.end('ab')
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    assert.deepEqual([answer.statusCode, (await exit).code], [202, 0])
    const said = daemon.log
      .slice(before)
      .filter((line) => line.includes('"room":"daemon"'))
      .map((line) => JSON.parse(line) as Line)
    assert.deepEqual([said[0]?.reason, said[0]?.requests], ['stopped by SIGTERM', 1])
    assert.equal(said.at(-1)?.msg, 'stopped')
    assert.match(daemon.log.at(-1) ?? '', /"msg":"stopped"/)
  })
})

describe('the status of a daemon', () => {
  it('has where it listens, how open that is, and since when it runs', async () => {
    await using daemon = await DaemonProcess.start({ config: { auth: { openToAll: true } } })
    const status = (await daemon.status()) as unknown as { startedAt: string; http: object }
    assert.deepEqual(status.http, { address: daemon.url, plainHttp: false, openToAll: false })
    assert.ok(Math.abs(Date.parse(status.startedAt) - Date.now()) < 600_000, status.startedAt)
    await daemon.stop()
    await daemon.restart({ http: { hosts: ['registry.example'] } })
    const { http } = (await daemon.status()) as unknown as { http: object }
    assert.deepEqual(http, { address: daemon.url, plainHttp: false, openToAll: true })
  })
})
