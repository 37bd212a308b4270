import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { componentLogger } from '../../src/ipfs/logger.ts'

describe("the libraries' log messages", () => {
  const lines: Array<[string, object, string]> = []
  const write = (level: string) => (details: object, message: string) =>
    void lines.push([level, details, message])
  const log = {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
  }
  beforeEach(() => lines.splice(0))

  it('are trace, and their errors debug, under the name of their part', () => {
    const logger = componentLogger(log).forComponent('libp2p:dial')
    logger('hello')
    logger.error('oh')
    logger.trace('psst')
    logger.newScope('queue')('deeper')
    assert.deepEqual(lines, [
      ['trace', { component: 'libp2p:dial' }, 'hello'],
      ['debug', { component: 'libp2p:dial' }, 'oh'],
      ['trace', { component: 'libp2p:dial' }, 'psst'],
      ['trace', { component: 'libp2p:dial:queue' }, 'deeper'],
    ])
  })

  const texts: Array<[unknown[], string]> = [
    [['%a is %d%% there', multiaddr('/ip4/127.0.0.1'), 99], '/ip4/127.0.0.1 is 99% there'],
    [['failed - %e', new TypeError('no')], 'failed - TypeError: no'],
    [['bytes %b', Uint8Array.of(1, 2, 3)], 'bytes AQID'],
    [['too few %s %s', 'one'], 'too few one %s'],
    [['too many', 'extra', 1], 'too many extra 1'],
    [[{ a: 1 }], '{ a: 1 }'],
    [['%s', undefined], 'undefined'],
    [['100%!', 1], '100%! 1'],
  ]
  for (const [args, text] of texts) {
    it(`read ${JSON.stringify(text)}`, () => {
      const [format, ...rest] = args
      componentLogger(log).forComponent('x')(format, ...rest)
      assert.equal(lines[0]?.[2].replace(/^Multiaddr\((.*)\)/, '$1'), text)
    })
  }

  it('are not even formatted when nobody reads them', () => {
    const quiet = { ...log, isLevelEnabled: (level: string) => level !== 'trace' }
    const logger = componentLogger(quiet).forComponent('x')
    const trap = {
      toString: () => {
        throw new Error('formatted')
      },
    }
    logger('%s', trap)
    logger.error('read')
    assert.deepEqual([lines.map((line) => line[2]), logger.enabled], [['read'], false])
  })
})
