import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setUser } from '../../src/access/users.ts'
import { openKeysOffline, startDaemon } from '../../src/daemon.ts'
import { readSwarmKey } from '../../src/ipfs/swarm-key.ts'
import { heliport as runHere } from '../cli/support.ts'
import { Certificates } from '../support/certificate.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { RawClient } from '../support/http.ts'
import { makeSwarmKey } from '../support/swarm-key.ts'
import { SECRETS, partsOf, partsOfKey, secretsIn } from './secrets.ts'

const { configured, keychain, right } = SECRETS

/** What was written wrong, or in the wrong place, with a secret in it. */
interface Mistake {
  /** More of the configuration, or all of its text. */
  readonly config?: object | string
  readonly env?: Record<string, string>
  /** After `heliport`; without them: `serve`. */
  readonly words?: readonly string[]
  /** What is said of it. */
  readonly says: RegExp
}

describe('B66: secrets and what is said of mistakes', () => {
  let made: Certificates
  let secrets: Record<string, string> = { ...SECRETS }
  /** Files with secrets, by what is wrong with them. */
  const file = (name: string): string => made.path(name)

  before(async () => {
    made = await Certificates.open()
    const { key } = await made.make('registry')
    const pem = await readFile(key, 'utf8')
    await writeFile(file('damaged.key'), pem.replaceAll(/^.{20}/gm, '$&!'))
    await made.make('other')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const foreign = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const jwk = privateKey.export({ format: 'jwk' })
    await writeFile(file('private.pem'), foreign)
    await writeFile(file('private.json'), JSON.stringify({ keys: [jwk] }))
    await writeFile(file('alone.json'), JSON.stringify(jwk))
    await writeFile(file('broken.json'), `{"keys":[{"kty":"EC","d":"${jwk.d}"x}]}`)
    await writeFile(file('unquoted.json'), `{"keys":[{"kty":"EC","d":${jwk.d}}]}`)
    await writeFile(file('plain-users'), `alice:${right}\n`)
    await writeFile(file('odd-users'), `${right}\n`)
    await writeFile(file('users'), '')
    await writeFile(file('short'), SECRETS.short, { mode: 0o600 })
    const swarm = await makeSwarmKey(made.directory)
    await writeFile(file('damaged.swarm'), (await readFile(swarm, 'utf8')).slice(0, -3), {
      mode: 0o600,
    })
    secrets = {
      ...secrets,
      ...partsOfKey('key of the certificate', pem),
      ...partsOfKey("token service's key", foreign),
      ...partsOf('swarm key', (await readSwarmKey(swarm)).subarray(0, 30)),
    }
  })
  after(() => made[Symbol.asyncDispose]())

  const foreign = (name: string): object => ({
    auth: {
      mode: 'token',
      token: { realm: 'https://t.example', service: 's', issuer: 'i', keys: [file(name)] },
    },
  })
  const tls = (certificate: string, key: string): object => ({
    http: { addr: '127.0.0.1:0', tls: { certificate: file(certificate), key: file(key) } },
  })
  const users = (name: string): object => ({
    auth: { mode: 'htpasswd', htpasswd: file(name) },
  })

  const mistakes: [what: string, make: () => Mistake][] = [
    [
      'a private key among public ones',
      () => ({ config: foreign('private.pem'), says: /private key/ }),
    ],
    ['a set of private keys', () => ({ config: foreign('private.json'), says: /secret key/ })],
    [
      'a private key that is no set',
      () => ({ config: foreign('alone.json'), says: /no public key/ }),
    ],
    [
      'a set of keys that is no JSON',
      () => ({ config: foreign('broken.json'), says: /broken\.json: it is not JSON/ }),
    ],
    [
      'a key without quotes',
      () => ({ config: foreign('unquoted.json'), says: /unquoted\.json: it is not JSON/ }),
    ],
    [
      'a damaged key of TLS',
      () => ({ config: tls('registry.crt', 'damaged.key'), says: /http\.tls\.key/ }),
    ],
    [
      'a key as certificate',
      () => ({ config: tls('registry.key', 'registry.key'), says: /http\.tls/ }),
    ],
    [
      "another certificate's key",
      () => ({ config: tls('other.crt', 'registry.key'), says: /not the key/ }),
    ],
    ['a password that is not hashed', () => ({ config: users('plain-users'), says: /not hashed/ })],
    ['a line that is a password', () => ({ config: users('odd-users'), says: /odd-users:1/ })],
    [
      'a damaged swarm key',
      () => ({
        config: {
          network: {
            mode: 'private',
            swarmKey: file('damaged.swarm'),
            listen: ['/ip4/127.0.0.1/tcp/0'],
          },
        },
        says: /damaged/,
      }),
    ],
    [
      'a password for the keychain that is short',
      () => ({ config: { keys: { passwordFile: file('short') } }, says: /shorter/ }),
    ],
    [
      'a password in the configuration',
      () => ({ config: { keys: { password: configured } }, says: /password/ }),
    ],
    [
      'a realm with a password',
      () => ({
        config: { auth: { token: { realm: `https://a:${configured}@t.example/` } } },
        says: /realm/,
      }),
    ],
    [
      'a realm that is none',
      () => ({
        config: { auth: { token: { realm: `a:${configured}@t.example` } } },
        says: /realm/,
      }),
    ],
    [
      'a configuration that is no YAML',
      () => ({ config: `keys: {password: "${configured}\nauth: ]`, says: /heliport\.yaml/ }),
    ],
    [
      'a variable that is no JSON',
      () => ({ env: { REGISTRY_AUTH: `{"htpasswd": ${configured}}` }, says: /REGISTRY_AUTH/ }),
    ],
    [
      'a variable of another section',
      () => ({ env: { REGISTRY_KEYS: `{"password": "${configured}"}` }, says: /REGISTRY_KEYS/ }),
    ],
    [
      'a password on the command line',
      () => ({
        config: users('users'),
        words: ['user', 'add', 'alice', configured],
        says: /asked for, or read from standard input/,
      }),
    ],
    [
      'a password as an option',
      () => ({
        config: users('users'),
        words: ['user', 'add', 'alice', `--password=${configured}`],
        says: /password/,
      }),
    ],
  ]
  for (const [what, make] of mistakes) {
    it(`are not said: ${what}`, async () => {
      const { config = {}, env = {}, words = ['serve'], says } = make()
      const path = file('heliport.yaml')
      const built = {
        storage: { path: file('data') },
        network: { mode: 'offline' },
        http: { addr: '127.0.0.1:0' },
      }
      const whole = typeof config === 'string' ? config : JSON.stringify({ ...built, ...config })
      await writeFile(path, whole)
      const said = await heliport([...words, '--config', path], env)
      assert.match(said, says)
      assert.deepEqual(secretsIn(said, secrets), [], said)
    })
  }

  it('are not said by a process that dies in the middle of a login', async () => {
    const path = file('people')
    await setUser(path, 'alice', right)
    const hook = "process.on('SIGUSR2', () => { throw new Error('a defect of ours') })"
    await using daemon = await DaemonProcess.start({
      config: { log: { level: 'trace' }, auth: { mode: 'token', htpasswd: path } },
      env: { HELIPORT_PASSWORD: keychain },
      nodeOptions: [`--import=data:text/javascript,${encodeURIComponent(hook)}`],
    })
    const key = await readFile(join(daemon.data, 'keys', 'token.pem'), 'utf8')
    const client = new RawClient(Number(daemon.host.split(':').at(-1)))
    const form = `grant_type=password&username=alice&password=${right}`
    const head = ['POST /v2/token HTTP/1.1', 'host: localhost', 'expect: 100-continue']
    const type = 'content-type: application/x-www-form-urlencoded'
    client.write([...head, type, `content-length: ${form.length + 1}`, '', ''].join('\r\n'))
    await client.until(/100 Continue/)
    client.write(form)
    process.kill(daemon.pid, 'SIGUSR2')
    assert.notEqual((await daemon.exited()).code, 0)
    const said = daemon.log.join('\n')
    assert.match(said, /fatal, please report this: Error: a defect of ours/)
    assert.deepEqual(secretsIn(said, { ...secrets, ...partsOfKey('our key', key) }), [])
  })
})

/** Runs a command that fails, in this process. @returns all that it wrote */
async function heliport(words: readonly string[], env: Record<string, string>): Promise<string> {
  // What is taken for no mistake would run for ever.
  const signal = AbortSignal.timeout(30_000)
  const daemon = { startDaemon, openKeysOffline }
  const { code, stdout, stderr } = await runHere(words, { env, signal, daemon })
  assert.notEqual(code, 0, stdout + stderr)
  return stdout + stderr
}
