import assert from 'node:assert/strict'
import { resolveDnsLink } from '../../src/ipfs/dnslink.ts'
import { startInternet } from './internet.ts'
import { startNode } from './nodes.ts'
import { OwnDns } from './own-dns.ts'
import { watchNetwork } from './watch.ts'
import type { Zone } from './own-dns.ts'

const NAME = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxyzqj2xjonzllnv0v8'
const OTHER = 'k51qzi5uqu5dhnwe629wdlncpql6frppdpwnz4wtlcw816aysd5wwlk63g4wmh'
const ROOT = 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354'

describe('the DNSLink of a domain', () => {
  let dns: OwnDns
  beforeEach(async () => {
    dns = await OwnDns.start()
  })
  afterEach(() => dns[Symbol.asyncDispose]())

  const resolve = (domain = 'example.org', signal?: AbortSignal): Promise<string | undefined> =>
    resolveDnsLink(domain, { servers: [dns.address], signal, timeout: 300 })

  function publish(name: string, ...records: readonly (string | readonly string[])[]): void {
    dns.zones.set(name, { txt: records.map((each) => (typeof each === 'string' ? [each] : each)) })
  }

  const cases: Array<[string, readonly (string | readonly string[])[], string | undefined]> = [
    ['a name', [`dnslink=/ipns/${NAME}`], NAME],
    ['a name with slashes behind it', [`dnslink=/ipns/${NAME}//`], NAME],
    [
      'a key as a peer id',
      ['dnslink=/ipns/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'],
      OTHER,
    ],
    ['a name, in pieces', [[`dnslink=/ipns/${NAME.slice(0, 20)}`, NAME.slice(20)]], NAME],
    ['a name, among other texts', ['v=spf1 -all', 'x'.repeat(200), `dnslink=/ipns/${NAME}`], NAME],
    [
      'two names, the first in their order',
      [`dnslink=/ipns/${NAME}`, `dnslink=/ipns/${OTHER}`],
      OTHER,
    ],
    ['a fixed root', [`dnslink=/ipfs/${ROOT}`], undefined],
    ['a path below a name', [`dnslink=/ipns/${NAME}/docker`], undefined],
    ['no key', ['dnslink=/ipns/hello'], undefined],
    ['another kind of thing', ['dnslink=/onion/abc.example'], undefined],
    [
      'far too much',
      [['dnslink=/ipns/', ...Array.from({ length: 10 }, () => 'a'.repeat(255))]],
      undefined,
    ],
  ]
  for (const [what, records, expected] of cases) {
    it(`that points to ${what} gives ${expected === undefined ? 'nothing' : 'the name'}`, async () => {
      publish('_dnslink.example.org', ...records)
      if (what === 'far too much') await assert.rejects(resolve(), /no DNSLink/)
      else assert.equal(await resolve(), expected)
    })
  }

  it('comes over TCP when it is too long for a datagram', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `unrelated ${i} ${'x'.repeat(200)}`)
    publish('_dnslink.example.org', `dnslink=/ipns/${NAME}`, ...many)
    assert.equal(await resolve(), NAME)
    assert.deepEqual(dns.asked, ['TXT _dnslink.example.org udp', 'TXT _dnslink.example.org tcp'])
  })

  it('stands at the domain itself in older zones', async () => {
    publish('example.org', `dnslink=/ipns/${NAME}`)
    assert.equal(await resolve(), NAME)
  })

  it('is found behind aliases, whether the server follows them or not', async () => {
    publish('_dnslink.target.example', `dnslink=/ipns/${NAME}`)
    for (const bare of [false, true]) {
      dns.zones.set('_dnslink.example.org', { cname: '_dnslink.target.example', bare })
      assert.equal(await resolve(), NAME)
    }
  })

  it('may lead through another domain', async () => {
    publish('_dnslink.example.org', 'dnslink=/ipns/registry.example')
    publish('_dnslink.registry.example', 'dnslink=/dnslink/last.example')
    publish('_dnslink.last.example', `dnslink=/ipns/${NAME}`)
    assert.equal(await resolve(), NAME)
  })

  it('that leads in circles is an error, after a few questions', async () => {
    const maze = Array.from({ length: 60 }, (_, i) => `dnslink=/dnslink/${i}.example.org`)
    publish('_dnslink.example.org', ...maze, 'dnslink=/dnslink/example.org')
    publish('_dnslink.0.example.org', 'dnslink=/ipns/example.org')
    await assert.rejects(resolve(), /leads from domain to domain/)
    assert.ok(dns.asked.length <= 8, dns.asked.join())
    dns.zones.set('_dnslink.loop.example', { cname: '_dnslink.loop.example', bare: true })
    await assert.rejects(resolve('loop.example'))
  })

  it('that does not exist is an error that says where it was looked for', async () => {
    await assert.rejects(resolve(), /there is no TXT record of _dnslink\.example\.org/)
    publish('_dnslink.example.org', 'hello')
    await assert.rejects(resolve(), /there is no TXT record of _dnslink\.example\.org/)
  })

  const faults: Array<[string, NonNullable<Zone['fault']>]> = [
    ['fails', 'failure'],
    ['answers with junk', 'junk'],
    ['answers another question', 'other name'],
    ['answers with another number', 'other id'],
    ['is silent', 'nothing'],
  ]
  for (const [what, fault] of faults) {
    it(`is an error, and nothing else, when the server ${what}`, async () => {
      dns.zones.set('_dnslink.example.org', { fault, txt: [[`dnslink=/ipns/${NAME}`]] })
      await assert.rejects(
        resolve(),
        (error) => error instanceof Error && /E[A-Z]+/.test(error.message),
      )
    })
  }

  it('is not waited for any longer when its caller leaves', async () => {
    dns.zones.set('_dnslink.example.org', { fault: 'nothing' })
    const leaving = new AbortController()
    const asked = resolve('example.org', leaving.signal)
    leaving.abort(new Error('gone'))
    await assert.rejects(asked, /gone/)
  })

  it('is looked up only in the public mode, and then at the servers it was given alone', async () => {
    const node = await startNode()
    await assert.rejects(node.resolveDnsLink('example.org'), /only in the public mode/)
    await node.stop()
    publish('_dnslink.example.org', `dnslink=/ipns/${NAME}`)
    using watch = watchNetwork()
    await using internet = await startInternet(1)
    const config = { mode: 'public', listen: ['/ip4/127.0.0.1/tcp/0'] } as const
    const open = await startNode({ config, internet: { ...internet, dnsServers: [dns.address] } })
    assert.equal(await open.resolveDnsLink('example.org'), NAME)
    await open.stop()
    assert.deepEqual([[...new Set(watch.called)], watch.other], [['127.0.0.1'], ['QUERYWRAP']])
  })
})
