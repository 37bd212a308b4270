import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'

/** Where a room may look: whole rooms (`oci/`) or single files. Its own files are always open to it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  oci: [],
  registry: ['oci/'],
  blocks: ['oci/', 'registry/ports.ts'],
  tree: ['oci/', 'registry/ports.ts', 'blocks/'],
  naming: ['oci/', 'registry/ports.ts'],
  // Of the bytes on disk, how a small file is written whole and a secret one is read.
  access: ['oci/', 'registry/ports.ts', 'blocks/files.ts', 'blocks/secret-file.ts'],
  api: ['oci/', 'registry/ports.ts', 'access/ports.ts'],
  ipfs: [
    'oci/',
    'registry/ports.ts',
    'blocks/block-store.ts',
    'blocks/flights.ts',
    'blocks/secret-file.ts',
    'config/schema.ts',
  ],
  config: ['oci/'],
  cli: ['config/'],
  // daemon.ts, and the parts it is made of in daemon/.
  daemon: [
    'oci/',
    'registry/',
    'blocks/',
    'tree/',
    'naming/',
    'ipfs/',
    'access/',
    'api/',
    'config/',
    // The contract with the commands, and our own version.
    'cli/daemon-face.ts',
    '../package.json',
  ],
  // The commands reach the daemon through what main.ts hands them.
  'main.ts': ['cli/', 'daemon.ts', 'daemon/check-offline.ts', 'access/users.ts'],
}

/** Where a package may be used. A package that is not here is not used at all: add it, with care. */
const PACKAGES: readonly [pattern: RegExp, rooms: readonly string[]][] = [
  [/^(koa|@koa\/router)$/, ['api']],
  [/^(helia|libp2p|@helia\/.+|@libp2p\/.+|interface-(block)?store)$/, ['ipfs']],
  [/^@helia\/(ipns|interface)$/, ['naming', 'daemon']],
  [/^@libp2p\/(interface|crypto|peer-id|gossipsub|fetch|kad-dht)(\/.+)?$/, ['naming', 'daemon']],
  [/^@ipshipyard\/.+$/, ['ipfs', 'naming']],
  [/^interface-(datastore|blockstore)$/, ['ipfs', 'naming']],
  [/^datastore-level$/, ['ipfs', 'daemon']],
  [/^classic-level$/, ['blocks']],
  [/^(@node-rs\/bcrypt|jose)$/, ['access']],
  [/^multiformats(\/.+)?$/, ['blocks', 'tree', 'ipfs', 'naming', 'config', 'daemon']],
  [/^(@ipld\/dag-pb|ipfs-unixfs|@multiformats\/murmur3)$/, ['blocks', 'tree', 'ipfs']],
  [/^@ipld\/dag-cbor$/, ['naming']],
  [/^@multiformats\/multiaddr$/, ['ipfs', 'naming', 'config', 'daemon']],
  [/^zod$/, ['config', 'api', 'oci', 'naming']],
  [/^yaml$/, ['config']],
  [/^pino-pretty$/, ['daemon']],
  [/^pino$/, ['api', 'ipfs', 'naming', 'daemon']],
]

/** The only places that may speak of the process, or write to a terminal by themselves. */
const PROCESS = ['main.ts']

const MAX_FILE_LINES = 400

interface Import {
  readonly from: string
  readonly line: number
}

/** Finds static, dynamic and type imports, exports-from, and `import()` types. Comments do not count. */
function importsOf(text: string): Import[] {
  const code = withoutComments(text)
  const pattern = /^(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm
  return [...code.matchAll(pattern)].map((match) => ({
    from: match[1] ?? match[2] ?? '',
    line: code.slice(0, match.index).split('\n').length,
  }))
}

/** Comments become blanks, so that line numbers stay. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, ' ')
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, blank).replace(/(^|\s)\/\/.*$/gm, blank)
}

function roomOf(path: string): string {
  const [first = path] = path.split('/')
  return first === 'daemon.ts' ? 'daemon' : first
}

/** The file under `src/` that a relative import means; `undefined` for packages and Node's own modules. */
function target(path: string, from: string): string | undefined {
  return from.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), from)) : undefined
}

/**
 * Everything in the sources that breaks the rules of DESIGN §2.
 *
 * @param files text by path below `src/`, with `/`
 */
function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  for (const [path, text] of files) {
    for (const { from, line } of importsOf(text)) {
      const why = whyForbidden(path, from)
      if (why !== undefined) found.push(`${path}:${line} imports ${from}: ${why}`)
    }
    found.push(...outOfPlace(path, text))
  }
  return [...found, ...cycles(files)]
}

function whyForbidden(path: string, from: string): string | undefined {
  const room = roomOf(path)
  const allowed = MAY_IMPORT[room]
  if (allowed === undefined) return `${room} is not a room of the design`
  const file = target(path, from)
  if (file === undefined) return whyPackageForbidden(room, from)
  if (roomOf(file) === room || allowed.some((prefix) => file === prefix || isInside(file, prefix)))
    return undefined
  if (file.startsWith('../')) return 'it is outside src'
  return `${room} may only import ${allowed.join(', ') || 'nothing'}`
}

function isInside(file: string, prefix: string): boolean {
  return prefix.endsWith('/') && file.startsWith(prefix)
}

function whyPackageForbidden(room: string, from: string): string | undefined {
  if (from === 'node:process' && !PROCESS.includes(room)) return 'only main.ts touches the process'
  if (isBuiltin(from)) return from.startsWith('node:') ? undefined : 'write node: before it'
  const rules = PACKAGES.filter(([pattern]) => pattern.test(from))
  if (rules.length === 0) return 'this package is in no room of the table'
  const rooms = rules.flatMap(([, list]) => list)
  return rooms.includes(room) ? undefined : `only ${rooms.join(', ')} may use it`
}

/** What has its place elsewhere: the process, the console, and files that are more than one idea. */
function outOfPlace(path: string, text: string): string[] {
  const found: string[] = []
  const lines = text.split('\n')
  if (lines.length - 1 > MAX_FILE_LINES)
    found.push(`${path} has ${lines.length - 1} lines, over ${MAX_FILE_LINES}`)
  for (const [index, line] of withoutComments(text).split('\n').entries()) {
    const at = `${path}:${index + 1}`
    if (!PROCESS.includes(path) && /(?<![.\w'"`-])process\.\w/.test(line))
      found.push(`${at} touches the process`)
    if (/(?<![.\w])console\.\w/.test(line)) found.push(`${at} writes to the console`)
  }
  for (const [index, line] of lines.entries()) {
    if (!/(oxlint|eslint)-disable|@ts-expect-error/.test(line)) continue
    if (!/(-- |@ts-expect-error )\S.{9,}/.test(line))
      found.push(`${path}:${index + 1} suppresses without a reason`)
    if (/(oxlint|eslint)-disable(?!-(next-)?line)/.test(line))
      found.push(`${path}:${index + 1} suppresses a whole file`)
  }
  return found
}

/** Cycles among files, types included: who needs a cycle of types has two ideas in the wrong files. */
function cycles(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push(`cycle: ${[...trail.slice(at), path].join(' -> ')}`)
    if (at >= 0 || done.has(path)) return
    for (const { from } of importsOf(files.get(path) ?? '')) {
      const next = target(path, from)
      if (next !== undefined && files.has(next)) visit(next, [...trail, path])
    }
    done.add(path)
  }
  for (const path of files.keys()) visit(path, [])
  return found
}

async function sources(): Promise<Map<string, string>> {
  const root = join(import.meta.dirname, '../src')
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const files = paths.filter((path) => path.endsWith('.ts')).toSorted()
  const read = async (path: string) =>
    [path.slice(root.length + 1).replaceAll('\\', '/'), await readFile(path, 'utf8')] as const
  return new Map(await Promise.all(files.map(read)))
}

describe('the architecture', () => {
  it('is as the design says: who imports whom, which package is where, no cycles, no long files', async () => {
    const files = await sources()
    assert.ok(files.size > 50, `only ${files.size} sources were found`)
    assert.deepEqual(violations(files), [])
  })

  it('has files of one idea: half of them are shorter than 100 lines', async () => {
    const lengths = [...(await sources()).values()]
      .map((text) => text.split('\n').length)
      .toSorted((a, b) => a - b)
    const median = lengths[Math.floor(lengths.length / 2)] ?? 0
    assert.ok(median < 100, `the median file has ${median} lines`)
  })

  it('gives every source a place in the table, and every rule a room that exists', async () => {
    const rooms = new Set([...(await sources()).keys()].map(roomOf))
    assert.deepEqual(
      [...rooms].filter((room) => !(room in MAY_IMPORT)),
      [],
    )
  })
})

describe('the check of the architecture', () => {
  const forbidden: [what: string, path: string, text: string, complaint: RegExp][] = [
    [
      'a room below',
      'oci/a.ts',
      "import { x } from '../registry/ports.ts'",
      /oci may only import nothing/,
    ],
    [
      'a room beside',
      'api/a.ts',
      "import type { X } from '../tree/layout.ts'",
      /api may only import/,
    ],
    [
      'more than the ports',
      'api/a.ts',
      "import { x } from '../registry/overlay.ts'",
      /api may only import/,
    ],
    [
      'a dynamic import',
      'registry/a.ts',
      "const x = await import('../blocks/files.ts')",
      /registry may only/,
    ],
    ['an export from', 'naming/a.ts', "export * from '../ipfs/node.ts'", /naming may only import/],
    [
      'an import over many lines',
      'tree/a.ts',
      "import {\n  a,\n  b,\n} from '../api/app.ts'",
      /a\.ts:1 .*tree may/,
    ],
    ['an import for its effect', 'config/a.ts', "import '../cli/run.ts'", /config may only import/],
    ['the type of an import', 'oci/a.ts', "type X = import('../api/app.ts').App", /oci may only/],
    [
      'the daemon from a room',
      'cli/a.ts',
      "import { x } from '../daemon.ts'",
      /cli may only import/,
    ],
    ['Koa outside api', 'registry/a.ts', "import Koa from 'koa'", /only api may use it/],
    [
      'Helia in the tree',
      'tree/a.ts',
      "import { unixfs } from '@helia/unixfs'",
      /only ipfs may use it/,
    ],
    [
      'libp2p in the rules',
      'registry/a.ts',
      "import type { X } from '@libp2p/interface'",
      /may use it/,
    ],
    ['a package nobody knows', 'blocks/a.ts', "import x from 'left-pad'", /no room of the table/],
    ['a module without node:', 'blocks/a.ts', "import { x } from 'fs'", /write node:/],
    ['the process as a module', 'cli/a.ts', "import process from 'node:process'", /only main\.ts/],
    ['the process', 'cli/a.ts', 'const x = process.env', /a\.ts:1 touches the process/],
    ['the console', 'main.ts', "console.log('x')", /writes to the console/],
    ['a room of its own', 'helpers/a.ts', "import { x } from './b.ts'", /not a room of the design/],
    ['something outside src', 'cli/a.ts', "import x from '../../package.json'", /outside src/],
    ['a long file', 'oci/a.ts', 'x\n'.repeat(401), /has 401 lines/],
    ['a suppression', 'oci/a.ts', '// oxlint-disable-next-line no-console', /without a reason/],
    [
      'a suppressed file',
      'oci/a.ts',
      '/* oxlint-disable no-console -- it is so convenient */',
      /a whole file/,
    ],
  ]
  for (const [what, path, text, complaint] of forbidden) {
    it(`finds ${what}`, () => {
      const found = violations(new Map([[path, text]]))
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', complaint)
    })
  }

  it('finds cycles, of types too', () => {
    const files = new Map([
      ['oci/a.ts', "import { b } from './b.ts'"],
      ['oci/b.ts', "import type { C } from './c.ts'"],
      ['oci/c.ts', "export { a } from './a.ts'"],
    ])
    assert.deepEqual(violations(files), ['cycle: oci/a.ts -> oci/b.ts -> oci/c.ts -> oci/a.ts'])
  })

  it('lets through what is allowed, and what only looks like an import', () => {
    const files = new Map([
      [
        'api/a.ts',
        "import Koa from 'koa'\nimport { x } from '../registry/ports.ts'\nimport './b.ts'\n",
      ],
      [
        'oci/b.ts',
        "/**\n * import x from 'koa'\n */\n// import y from '../api/a.ts'\nexport const z = 1\n",
      ],
      [
        'naming/c.ts',
        "import type { P } from '@libp2p/interface'\nimport { CID } from 'multiformats/cid'\n",
      ],
      ['main.ts', "const { argv } = process.versions\nawait import('./cli/run.ts')\n"],
      ['oci/d.ts', '// oxlint-disable-next-line no-x -- because the parser needs it\n'],
      [
        'tree/e.ts',
        "import { y } from '../blocks/files.ts'\nexport const process = { env: this.process.env }\n",
      ],
    ])
    assert.deepEqual(violations(files), [])
  })
})
