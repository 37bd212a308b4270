import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CONTENDERS } from './contenders.ts'
import { SCENARIOS } from './scenarios/all.ts'
import type { ContenderId } from './contenders.ts'

/** What is to be done. */
export type Task =
  | { readonly do: 'help' }
  | { readonly do: 'grow'; readonly manifests: number; readonly gib: number; readonly data: string }
  | { readonly do: 'profile'; readonly directory: string }
  | MeasureTask

export interface MeasureTask {
  readonly do: 'measure'
  /** Ids of scenarios. */
  readonly only: readonly string[]
  /** `undefined`: the usual ones. */
  readonly contenders: readonly ContenderId[] | undefined
  readonly rounds: number
  readonly quick: boolean
  /** How long mixed load goes on. */
  readonly seconds: number
  readonly write: boolean
  readonly json: string | undefined
  /** A directory for CPU profiles. */
  readonly profile: string | undefined
}

const ROUNDS = { usual: 5, quick: 1 }
const SECONDS = { usual: 1800, quick: 5 }

/** @throws Error for a person when they cannot be understood */
export function parseTask([first, ...rest]: readonly string[]): Task {
  if (first === 'grow') return parseGrow(rest)
  if (first === 'profile') {
    const [directory] = rest
    if (directory === undefined || rest.length > 1) throw new Error('profile wants one DIRECTORY')
    return { do: 'profile', directory: resolve(directory) }
  }
  const { values } = parseArgs({
    args: first === undefined ? [] : [first, ...rest],
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { quick, write, json } = values
  if (values.help) return { do: 'help' }
  if (quick && write)
    throw new Error('--quick only shows that it works: its figures are not written')
  return {
    do: 'measure',
    only: chosen('--only', values.only, scenarioIds()) ?? scenarioIds(),
    contenders: chosen('--contenders', values.contenders, contenderIds()),
    rounds: number('--rounds', values.rounds) ?? (quick ? ROUNDS.quick : ROUNDS.usual),
    seconds: number('--seconds', values.seconds) ?? (quick ? SECONDS.quick : SECONDS.usual),
    quick,
    write,
    json,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
  }
}

function parseGrow(args: readonly string[]): Task {
  const { values } = parseArgs({
    args: [...args],
    options: {
      manifests: { type: 'string' },
      gib: { type: 'string' },
      data: { type: 'string' },
    },
  })
  const manifests = number('--manifests', values.manifests)
  if (manifests === undefined || values.data === undefined)
    throw new Error('grow wants --manifests N and --data DIRECTORY')
  const gib = number('--gib', values.gib) ?? 0
  return { do: 'grow', manifests, gib, data: values.data }
}

export function scenarioIds(): string[] {
  return SCENARIOS.map(({ id }) => id)
}

function contenderIds(): ContenderId[] {
  return CONTENDERS.map(({ id }) => id)
}

function chosen<Id extends string>(
  option: string,
  list: string | undefined,
  known: readonly Id[],
): Id[] | undefined {
  if (list === undefined) return undefined
  const names = list.split(',')
  const unknown = names.find((name) => !known.some((id) => id === name))
  if (unknown !== undefined)
    throw new Error(`${option}: there is no ${unknown}; there are ${known.join(', ')}`)
  return known.filter((id) => names.includes(id))
}

function number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d*$/.test(text))
    throw new Error(`${option} is a whole number from 1 on, not ${text}`)
  return Number(text)
}
