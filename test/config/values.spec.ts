import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseHostName, parseHostPort } from '../../src/config/address.ts'
import { parseMirrorName } from '../../src/config/mirror-name.ts'
import { isLoopback, parseListenAddress, parsePeerAddress } from '../../src/config/multiaddrs.ts'
import { parsePattern } from '../../src/config/mirror-entry.ts'
import { parseNamespace, parsePrefix } from '../../src/config/namespaces.ts'
import {
  parseDeadline,
  parseDuration,
  parseMaxStale,
  parseSize,
} from '../../src/config/quantity.ts'
import { InvalidValue } from '../../src/config/value.ts'
import { KEY, PEER, RSA_PEER } from './support.ts'

const key = { kind: 'key', text: KEY }
const PEER_KEY = {
  kind: 'key',
  text: 'k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe',
}
const DOMAIN = { kind: 'dnslink', text: 'registry.example.com' }

/** Each table: the parser, what it reads and makes of it, and what it refuses (with a word of the complaint). */
const TABLES: {
  parse: (text: string) => unknown
  good: [string, unknown][]
  bad: [string, RegExp][]
}[] = [
  {
    parse: parseSize,
    good: [
      ['1', 1],
      ['1048576', 1048576],
      ['100GiB', 100 * 2 ** 30],
      ['1.5TiB', 1.5 * 2 ** 40],
      ['500MB', 500e6],
      ['10 KiB', 10240],
      ['3B', 3],
    ],
    bad: [
      ['', /not a size/],
      ['0', /between/],
      ['0.1B', /between/],
      ['-5', /not a size/],
      ['10G', /not a size/],
      ['100gib', /not a size/],
      ['9PiB', /between/],
      ['NaN', /not a size/],
      ['1e9', /not a size/],
      ['Infinity', /not a size/],
    ],
  },
  {
    parse: parseDuration,
    good: [
      ['365d', 365 * 86400e3],
      ['48h', 48 * 3600e3],
      ['30m', 1800e3],
      ['900s', 900e3],
      ['600000ms', 600e3],
      ['1.5h', 5400e3],
    ],
    bad: [
      ['365', /with a unit/],
      ['0d', /between/],
      ['9m', /between/],
      ['1461d', /between/],
      ['1y', /not a duration/],
      ['', /not a duration/],
    ],
  },
  {
    parse: parseMaxStale,
    good: [
      ['1s', 1000],
      ['7d', 7 * 86400e3],
      ['1460d', 1460 * 86400e3],
    ],
    bad: [
      ['7', /with a unit/],
      ['999ms', /between 1s and 1460d/],
      ['1461d', /between/],
      ['never', /not a duration/],
    ],
  },
  {
    parse: parseDeadline,
    good: [
      ['100ms', 100],
      ['10s', 10e3],
      ['10m', 600e3],
    ],
    bad: [
      ['10', /with a unit/],
      ['99ms', /between 100ms and 10m/],
      ['11m', /between/],
      ['', /not a duration/],
    ],
  },
  {
    parse: parsePattern,
    good: ['app', 'team/app', '*', '**', 'team/*', 'team/**', '**/cache-*', 'a*b*c/**/x'].map(
      (text): [string, unknown] => [text, text],
    ),
    bad: [
      ['', /no repository's name/],
      ['/team/*', /no repository's name/],
      ['team/', /no repository's name/],
      ['Team/*', /no repository's name/],
      ['a**', /no repository's name/],
      ['***', /no repository's name/],
      ['!team/*', /no repository's name/],
      ['team/[ab]', /no repository's name/],
      ['../*', /no repository's name/],
      ['_layers', /no repository's name/],
      ['a/'.repeat(128), /no repository's name/],
    ],
  },
  {
    parse: parseHostPort,
    good: [
      ['127.0.0.1:5000', { host: '127.0.0.1', port: 5000 }],
      ['[::1]:5000', { host: '::1', port: 5000 }],
      ['localhost:0', { host: 'localhost', port: 0 }],
      ['Registry.Example.com:65535', { host: 'registry.example.com', port: 65535 }],
    ],
    bad: [
      [':5000', /0\.0\.0\.0:5000/],
      ['5000', /write host:port/],
      ['127.0.0.1', /write host:port/],
      ['127.0.0.1:', /write host:port/],
      ['127.0.0.1:65536', /ports end/],
      ['127.0.0.1:http', /write host:port/],
      ['::1:5000', /brackets/],
      ['[::g]:1', /neither/],
      ['[127.0.0.1]:1', /neither/],
      ['256.0.0.1:1', /neither/],
      ['-a:1', /neither/],
      ['http://a:1', /brackets|write host:port/],
    ],
  },
  {
    parse: parseHostName,
    good: [['Registry.Example.COM', 'registry.example.com']],
    bad: [
      ['example.com:5000', /without a port/],
      ['10.0.0.1', /always allowed/],
      ['*.example.com', /not a host name/],
      ['', /not a host name/],
      ['a..b', /not a host name/],
    ],
  },
  {
    parse: parseNamespace,
    good: [
      ['docker.io', 'docker.io'],
      ['Registry.Example:5000', 'registry.example:5000'],
      ['localhost', 'localhost'],
      ['127.0.0.1:5000', '127.0.0.1:5000'],
      ['[::1]:5000', '[::1]:5000'],
    ],
    bad: [
      ['', /not a host/],
      ['https://docker.io', /not a host/],
      ['docker.io/library', /not a host/],
      ['docker.io:', /not a host/],
      ['docker.io:70000', /not a host/],
      ['*', /not a host/],
      ['__proto__', /not a host/],
    ],
  },
  {
    parse: parsePrefix,
    good: [
      ['', ''],
      ['docker.io', 'docker.io'],
      ['mirror/docker', 'mirror/docker'],
    ],
    bad: [
      ['/', /not the beginning/],
      ['docker.io/', /not the beginning/],
      ['Docker.io', /not the beginning/],
      ['../x', /not the beginning/],
      ['localhost:5000', /not the beginning/],
    ],
  },
  {
    parse: parseMirrorName,
    good: [
      [KEY, key],
      [`/ipns/${KEY}`, key],
      [`ipns://${KEY}`, key],
      ['bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6', PEER_KEY],
      [PEER, PEER_KEY],
      [`/ipns/${PEER}`, PEER_KEY],
      [RSA_PEER, undefined],
      ['registry.example.com', DOMAIN],
      ['/ipns/Registry.Example.com', DOMAIN],
    ],
    bad: [
      ['', /IPNS name/],
      ['k51foo', /IPNS name/],
      [`${KEY}x`, /IPNS name/],
      [KEY.slice(0, -1), /IPNS name/],
      [`${KEY}/sub/path`, /IPNS name/],
      ['bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354', /IPNS name/],
      ['/ipfs/bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354', /fixed root/],
      ['localhost', /IPNS name/],
      ['127.0.0.1', /IPNS name/],
      ['https://example.com', /IPNS name/],
      ['example.com/x', /IPNS name/],
      ['../../etc', /IPNS name/],
    ],
  },
  {
    parse: parseListenAddress,
    good: [
      ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4001'],
      ['/ip6/::/tcp/0/ws', '/ip6/::/tcp/0/ws'],
    ],
    bad: [
      [`/ip4/0.0.0.0/tcp/4001/p2p/${PEER}`, /no \/p2p\//],
      ['/ip4/0.0.0.0/udp/4001/quic-v1', /TCP and WebSocket/],
      ['/ip4/0.0.0.0', /TCP port/],
      ['/dns4/localhost/tcp/1', /IP address/],
      ['0.0.0.0:4001', /not a multiaddr/],
      ['/ip4/0.0.0.0/tcp/70000', /not a multiaddr/],
      ['', /empty/],
    ],
  },
  {
    parse: parsePeerAddress,
    good: [
      [`/ip4/1.2.3.4/tcp/4001/p2p/${PEER}`, `/ip4/1.2.3.4/tcp/4001/p2p/${PEER}`],
      [`/dnsaddr/example.com/p2p/${PEER}`, `/dnsaddr/example.com/p2p/${PEER}`],
      [`/ip4/1.2.3.4/tcp/1/p2p/${RSA_PEER}/p2p-circuit/p2p/${PEER}`, undefined],
      [`/dns4/example.com/tcp/443/tls/ws/p2p/${PEER}`, undefined],
    ],
    bad: [
      ['/ip4/1.2.3.4/tcp/4001', /end in \/p2p\//],
      ['/ip4/1.2.3.4/tcp/4001/p2p/12D3KooW', /not a peer id/],
      [`/ip4/1.2.3.4/tcp/1/p2p/nobody/p2p-circuit/p2p/${PEER}`, /not a peer id/],
      [`/ip4/1.2.3.4/tcp/0/p2p/${PEER}`, /port 0/],
      [`/p2p/${PEER}`, /host, port/],
      [`/ip4/1.2.3.4/udp/1/quic-v1/p2p/${PEER}`, /TCP and WebSocket/],
      [PEER, /not a multiaddr/],
    ],
  },
]

describe('values of the configuration', () => {
  for (const { parse, good, bad } of TABLES) {
    for (const [text, expected] of good) {
      it(`${parse.name} reads ${text}`, () => {
        const value = parse(text)
        if (expected !== undefined) assert.deepEqual(value, expected)
        else assert.ok(value)
      })
    }
    for (const [text, complaint] of bad) {
      it(`${parse.name} refuses ${JSON.stringify(text)}`, () => {
        assert.throws(() => parse(text), { name: 'InvalidValue', message: complaint })
      })
    }
    it(`${parse.name} throws nothing but InvalidValue, whatever it is given`, () => {
      const seeds = [...good, ...bad].map(([text]) => text)
      const mutated = fc
        .tuple(fc.constantFrom(...seeds), fc.nat(80), fc.string({ unit: 'binary', maxLength: 4 }))
        .map(([text, at, extra]) => text.slice(0, at) + extra + text.slice(at))
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated), (text) => {
          try {
            parse(text)
          } catch (error) {
            assert.ok(error instanceof InvalidValue, String(error))
          }
        }),
        { numRuns: 300 },
      )
    })
  }

  it('knows which addresses stay on this machine', () => {
    const here = [
      '/ip4/127.0.0.1/tcp/0',
      '/ip4/127.9.9.9/tcp/1',
      '/ip6/::1/tcp/1',
      '/ip6/0:0:0:0:0:0:0:1/tcp/1',
    ]
    const away = [
      '/ip4/0.0.0.0/tcp/1',
      '/ip6/::/tcp/1',
      '/dns4/localhost/tcp/1',
      '/ip4/1.1.1.1/tcp/1',
    ]
    assert.deepEqual([...here, ...away].filter(isLoopback), here)
  })
})
