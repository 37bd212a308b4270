import { readFile, stat } from 'node:fs/promises'
import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml'
import { ConfigError } from './problems.ts'
import type { Document, Pair } from 'yaml'
import type { Problem } from './problems.ts'

/** A configuration file in full is below 4 KiB; this only keeps a wrong file from being parsed. */
const LARGEST = 64 * 1024

/** What a configuration file holds, and where. */
export interface ConfigFile {
  /** The values, not yet checked; `undefined` for a file that is `null`. */
  readonly values: unknown
  /** Where a problem is, or the nearest thing above it: `file:line:column`, and how far into the file. */
  locate(problem: Pick<Problem, 'path' | 'key'>): { text: string; offset: number }
}

/**
 * Reads a YAML file without judging its keys.
 *
 * @param file opened as it is, and shown in messages as it is
 * @throws ConfigError when it cannot be read, or is not the plain YAML we accept
 */
export async function readConfigFile(file: string, label: string): Promise<ConfigFile> {
  return parseConfigFile(await readText(file, label), label)
}

async function readText(file: string, label: string): Promise<string> {
  try {
    const info = await stat(file)
    if (!info.isFile())
      throw new ConfigError([`${label}: is ${info.isDirectory() ? 'a directory' : 'not a file'}`])
    if (info.size > LARGEST)
      throw new ConfigError([`${label}: is larger than 64 KiB: this is no configuration file`])
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError([`${label}: ${whyUnreadable(error)}`], { cause: error })
  }
}

const READ_ERRORS = new Map([
  ['ENOENT', 'does not exist: check the path'],
  ['EACCES', 'may not be read by this user: check its permissions'],
  ['EPERM', 'may not be read by this user: check its permissions'],
  ['ENOTDIR', 'does not exist: a part of the path is a file'],
  ['ERR_ENCODING_INVALID_ENCODED_DATA', 'is not UTF-8 text'],
  ['ERR_INVALID_ARG_VALUE', 'is not a path'],
])

function whyUnreadable(error: unknown): string {
  if (!(error instanceof Error)) throw error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined) throw error
  return READ_ERRORS.get(code) ?? `cannot be read: ${error.message}`
}

/** @throws ConfigError */
function parseConfigFile(text: string, label: string): ConfigFile {
  try {
    return parse(text, label)
  } catch (error) {
    // The parser recurses: thousands of brackets end its stack.
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError([`${label}:1:1 is nested too deeply`], { cause: error })
  }
}

function parse(text: string, label: string): ConfigFile {
  const lineCounter = new LineCounter()
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset)
    return `${label}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
  })
  const problems = [...syntaxErrors(document), ...unwelcome(document)]
  if (problems.length === 0 && isNothing(document.contents)) {
    problems.push([
      0,
      'is empty: write at least one setting, or start without a file for the defaults',
    ])
  }
  if (problems.length > 0)
    throw new ConfigError(problems.map(([offset, what]) => `${place(offset)} ${what}`))
  const values: unknown = document.toJS()
  return {
    values,
    locate: (problem) => {
      const offset = offsetOf(document, problem)
      return { offset, text: place(offset) }
    },
  }
}

type Found = [offset: number, what: string]

function syntaxErrors(document: ReturnType<typeof parseDocument>): Found[] {
  return [...document.errors, ...document.warnings].map((error) => {
    // The parser turns the end of its stack into an error of the document.
    if (error.message.includes('call stack')) throw new RangeError(error.message)
    const several = error.code === 'MULTIPLE_DOCS'
    return [
      error.pos[0],
      several ? 'begins a second document (---): a configuration is one' : error.message,
    ]
  })
}

/** What YAML allows and a configuration does not need: aliases, which can make a few lines expand to gigabytes. */
function unwelcome(document: Document): Found[] {
  const found: Found[] = []
  visit(document, {
    Alias: (_key, node) =>
      void found.push([start(node), 'an alias (*) is not allowed: write the value out']),
    Pair: (_key, pair) => {
      if (!isScalar(pair.key)) found.push([start(pair.key), 'this key is not text: write a name'])
    },
  })
  return found
}

function isNothing(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null)
}

/** Where the value at a path begins (its key, when that is meant), or the last key above it that is there. */
function offsetOf(document: Document, problem: Pick<Problem, 'path' | 'key'>): number {
  let node: unknown = document.contents
  let offset = start(node)
  for (const part of problem.path) {
    const pair = isMap(node) ? node.items.find((item) => keyText(item) === part) : undefined
    if (pair !== undefined) node = pair.value
    else node = isSeq(node) && typeof part === 'number' ? node.items[part] : undefined
    if (node === undefined && pair === undefined) return offset
    // A map or list in block style begins on the line below: its key is the better place to look at.
    const block = (isMap(node) || isSeq(node)) && node.flow !== true
    const atKey = pair !== undefined && (block || problem.key === true)
    offset = start(atKey ? pair.key : (node ?? pair?.key))
  }
  return offset
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
}

function start(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
