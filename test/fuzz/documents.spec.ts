import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { errorBody, toRegistryError } from '../../src/api/errors.ts'
import { parseArguments } from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/io.ts'
import { parseHostPort } from '../../src/config/address.ts'
import { readEnvironment } from '../../src/config/environment.ts'
import { ConfigError } from '../../src/config/load.ts'
import { parseMirrorName } from '../../src/config/mirror-name.ts'
import { parseListenAddress, parsePeerAddress } from '../../src/config/multiaddrs.ts'
import { parseNamespace, parsePrefix } from '../../src/config/namespaces.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { parseDuration, parseSize } from '../../src/config/quantity.ts'
import { suggestKey, suggestVariable } from '../../src/config/suggest.ts'
import { InvalidValue } from '../../src/config/value.ts'
import { digestOf, tryParseDigest } from '../../src/oci/digest.ts'
import { isRegistryError, RegistryError } from '../../src/oci/errors.ts'
import { JSON_MAX_DEPTH, parseStrictJson } from '../../src/oci/json.ts'
import {
  parseManifest,
  readManifest,
  referrerDescriptor,
  requiredBlobs,
} from '../../src/oci/manifest.ts'
import { essenceOf } from '../../src/oci/media-type.ts'
import { KEY, PEER, load } from '../config/support.ts'
import { badManifest, goodManifest, renderManifest } from './manifest-plan.ts'
import { mutate, mutations } from './mutations.ts'
import { bounded, isA, laterOutcome, outcome } from './properties.ts'

const refused = (error: unknown): boolean => isRegistryError(error, 'MANIFEST_INVALID')

describe('JSON of a manifest (properties)', () => {
  it('is refused, or is what JSON.parse makes of it; and nothing it refuses is taken', () => {
    const document = fc
      .tuple(fc.jsonValue({ maxDepth: 4 }), mutations)
      .map(([value, faults]) => mutate(value, faults))
    fc.assert(
      fc.property(
        fc.oneof(
          document,
          fc.json().map((text) => Buffer.from(text)),
          fc.uint8Array(),
        ),
        (bytes) => {
          const ours = outcome(() => ({ value: parseStrictJson(bytes) }), refused)
          const theirs = outcome(
            () => ({
              value: JSON.parse(
                new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
              ) as unknown,
            }),
            isA(SyntaxError, TypeError),
          )
          if (ours !== undefined) assert.deepEqual(ours, theirs)
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('is refused when a key comes twice, however it is spelled, and at whatever depth', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 4 })
    const spell = (text: string): string =>
      Array.from(text)
        .map((letter) =>
          letter
            .split('')
            .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
            .join(''),
        )
        .join('')
    fc.assert(
      fc.property(key, fc.nat(JSON_MAX_DEPTH - 2), fc.boolean(), (name, depth, escape) => {
        const second = escape ? `"${spell(name)}"` : JSON.stringify(name)
        const inner = `{${JSON.stringify(name)}:1,"_other_":2,${second}:3}`
        const text = '['.repeat(depth) + inner + ']'.repeat(depth)
        assert.equal(
          outcome(() => parseStrictJson(Buffer.from(text)), refused),
          undefined,
        )
      }),
    )
  })
})

describe('a manifest with faults in its structure (properties)', () => {
  const known = ['a', 'b'].map((text) => ({
    digest: digestOf(Buffer.from(text)),
    size: 100,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
  }))

  it('is MANIFEST_INVALID in little time, or has facts that hold', () => {
    fc.assert(
      fc.property(fc.oneof(badManifest, goodManifest), (plan) => {
        const bytes = renderManifest(plan, known)
        const facts = bounded(() => outcome(() => readManifest(bytes), refused))
        if (facts === undefined) return
        for (const each of [
          ...requiredBlobs(facts),
          ...facts.manifests,
          ...(facts.subject ? [facts.subject] : []),
        ]) {
          assert.equal(tryParseDigest(each.digest), each.digest)
          assert.ok(Number.isSafeInteger(each.size) && each.size >= 0)
        }
        const digest = digestOf(bytes)
        const descriptor = referrerDescriptor(facts, digest, bytes.length)
        assert.deepEqual(JSON.parse(JSON.stringify(descriptor)), {
          ...descriptor,
          ...(descriptor.annotations && { annotations: { ...descriptor.annotations } }),
        })
        assert.equal(
          parseManifest(bytes, `${facts.mediaType.toUpperCase()} ; a=b`).mediaType,
          facts.mediaType,
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('is taken when it has none, under its own type only', () => {
    fc.assert(
      fc.property(goodManifest, fc.option(fc.string(), { nil: undefined }), (plan, type) => {
        fc.pre(Object.keys(plan.extra).length === 0)
        const bytes = renderManifest(plan, known)
        // Without its type, an index of Docker's looks like one of OCI, and so does an image.
        const { mediaType } = readManifest(bytes)
        if (plan.typed) assert.equal(mediaType, plan.type)
        const facts = outcome(() => parseManifest(bytes, type), refused)
        assert.equal(facts !== undefined, type !== undefined && essenceOf(type) === mediaType)
      }),
    )
  })
})

describe('what a client is told of an error (properties)', () => {
  it('is an error of the table, whatever was thrown, and says nothing of this machine', () => {
    const code = fc.constantFrom(
      'ENOSPC',
      'EMFILE',
      'EIO',
      'EPIPE',
      'ENOENT',
      'ABORT_ERR',
      '__proto__',
      undefined,
    )
    const name = fc.constantFrom(
      'Error',
      'TypeError',
      'DamagedBlockError',
      'TimeoutError',
      'AbortError',
    )
    const link = fc.record({ code, name, message: fc.constant('/secret/path') })
    fc.assert(
      fc.property(
        fc.array(link, { maxLength: 12 }),
        fc.anything(),
        fc.boolean(),
        (chain, end, loop) => {
          const errors = chain.map((each) => Object.assign(new Error(each.message), each))
          for (const [n, error] of errors.entries())
            error.cause = errors[n + 1] ?? (loop ? errors[0] : undefined)
          const thrown: unknown = errors[0] ?? (typeof end === 'object' ? undefined : end)
          const told = toRegistryError(thrown, 'id')
          assert.ok(told instanceof RegistryError && told.status >= 500)
          assert.doesNotMatch(JSON.stringify(errorBody(told)), /secret/)
        },
      ),
    )
  })
})

describe('values of the configuration (properties)', () => {
  const refusedValue = isA(InvalidValue)

  it('mean the same when they are printed and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (n) =>
        assert.equal(parseSize(String(n)), n),
      ),
    )
    fc.assert(
      fc.property(fc.integer({ min: 600_000, max: 4 * 365 * 86_400_000 }), (n) =>
        assert.equal(parseDuration(`${n}ms`), n),
      ),
    )
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.domain(),
    )
    fc.assert(
      fc.property(host, fc.nat(65535), (name, port) => {
        const read = outcome(() => parseHostPort(`${name}:${port}`), refusedValue)
        if (read === undefined) return
        const printed = read.host.includes(':')
          ? `[${read.host}]:${read.port}`
          : `${read.host}:${read.port}`
        assert.deepEqual(parseHostPort(printed), read)
      }),
    )
    const mutated = fc.tuple(
      fc.constantFrom(KEY, PEER, `/ipns/${KEY}`, 'registry.example.com'),
      fc.nat(70),
      fc.string({ maxLength: 1 }),
    )
    fc.assert(
      fc.property(mutated, ([text, at, put]) => {
        const name = outcome(
          () => parseMirrorName(text.slice(0, at) + put + text.slice(at + 1)),
          refusedValue,
        )
        if (name !== undefined) assert.deepEqual(parseMirrorName(name.text), name)
      }),
      { numRuns: 500 },
    )
    const texts = fc.oneof(
      fc.string(),
      fc.domain(),
      fc.constantFrom('docker.io:5000', '[::1]', 'a/b', ''),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const namespace = outcome(() => parseNamespace(text), refusedValue)
        if (namespace !== undefined) assert.equal(parseNamespace(namespace), namespace)
        const prefix = outcome(() => parsePrefix(text), refusedValue)
        if (prefix !== undefined) assert.equal(prefix, text)
      }),
      { numRuns: 500 },
    )
    const ip = fc.oneof(
      fc.ipV4().map((text) => `/ip4/${text}`),
      fc.ipV6().map((text) => `/ip6/${text}`),
    )
    fc.assert(
      fc.property(ip, fc.nat(65535), fc.constantFrom('', '/ws'), (where, port, rest) => {
        for (const [parse, text] of [
          [parseListenAddress, `${where}/tcp/${port}${rest}`],
          [parsePeerAddress, `${where}/tcp/${port}${rest}/p2p/${PEER}`],
        ] as const) {
          const read = outcome(() => parse(text), refusedValue)
          if (read !== undefined) assert.equal(parse(read), read)
        }
      }),
    )
  })

  it('are suggested only where there are such options, in little time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 3 }),
        fc.oneof(fc.string(), fc.string({ size: '+3' })),
        (section, key) => {
          const meant = bounded(() => suggestKey(section, key))
          if (meant !== undefined)
            assert.ok(OPTIONS.some((option) => option.path.join('.') === meant))
          const variable = bounded(() => suggestVariable(`REGISTRY_${key}`))
          if (variable !== undefined)
            assert.ok(OPTIONS.some((option) => option.variable === variable))
        },
      ),
    )
  })

  it('come from the environment, or are told to be wrong, whatever it holds', () => {
    const names = fc.oneof(
      fc.constantFrom(...OPTIONS.map(({ variable }) => variable)),
      fc.string().map((text) => `REGISTRY_${text}`),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(fc.string(), fc.json())), (env) => {
        const { settings, problems, warnings } = readEnvironment(env)
        for (const { path } of settings) assert.ok(path.length > 0)
        for (const line of [...problems.map(({ message }) => message), ...warnings])
          assert.equal(typeof line, 'string')
      }),
      { numRuns: 500 },
    )
  })

  it('are refused line by line when the example file is damaged', async () => {
    const example = await readFile(join(import.meta.dirname, '../../example-config.yaml'))
    const damage = fc.record({
      at: fc.nat(example.length - 1),
      remove: fc.nat(5),
      put: fc.uint8Array({ maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (all) => {
        let bytes: Buffer = example
        for (const { at, remove, put } of all)
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + remove)])
        await laterOutcome(
          () => load(bytes),
          (error) =>
            error instanceof ConfigError && error.problems.every((line) => !line.includes('\n')),
        )
      }),
      { numRuns: 200 },
    )
  })
})

describe('a command line (properties)', () => {
  it('is taken apart, or is a UsageError of one line', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'serve',
        '--config',
        '--config=x',
        '-o',
        '--json=1',
        '--',
        '-',
        '--no-json',
        '-hv',
        '--__proto__',
        '--data',
      ),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        const isUsage = (error: unknown): boolean =>
          error instanceof UsageError && /^.+$/.test(error.message)
        const read = outcome(() => parseArguments(argv), isUsage)
        if (read !== undefined) assert.ok(read.words.every((each) => argv.includes(each)))
      }),
      { numRuns: 1000 },
    )
  })
})
