import { createRequest } from '@urql/core'
import { useEffect, useRef, useState } from 'react'
import { onEnd, pipe, subscribe, takeUntil, fromPromise } from 'wonka'
import { client } from './client'
import { liveSubscription, type Change, type GroupRef } from './documents'
import { Backoff, failureOf, type Failure } from './retry'
import { sleep } from './wake'

export type LiveState = 'off' | 'listening' | 'reconnecting'

const lost: Failure = { code: 'NETWORK', message: '', retryable: true }

/**
 * useLive passes every change of the groups to onChange, once each. A broken connection is made again with backoff, from the last change
 * on, so that none is lost.
 */
export function useLive(groups: GroupRef[], onChange: (change: Change) => void): LiveState {
  const [state, setState] = useState<LiveState>('off')
  const handler = useRef(onChange)
  useEffect(() => {
    handler.current = onChange
  })
  useEffect(() => {
    if (groups.length === 0) return setState('off')
    const abort = new AbortController()
    const backoff = new Backoff()
    let since: string | undefined
    const follow = async () => {
      while (!abort.signal.aborted) {
        setState('listening')
        const ended = await connect(groups, since, abort.signal, (change) => {
          if (change.cursor === since) return
          since = change.cursor
          backoff.reset()
          handler.current(change)
        })
        if (abort.signal.aborted) return
        setState('reconnecting')
        await backoff.wait(ended, abort.signal)
      }
    }
    follow().catch((error: unknown) => {
      if (!abort.signal.aborted) throw error
    })
    return () => abort.abort()
  }, [groups])
  return state
}

/** connect subscribes until the connection ends or is aborted, and returns the reason. */
function connect(groups: GroupRef[], since: string | undefined, signal: AbortSignal, onChange: (change: Change) => void): Promise<Failure> {
  return new Promise((resolve) => {
    const over = new AbortController()
    const stop = fromPromise(sleep(undefined, AbortSignal.any([signal, over.signal])).catch(() => undefined))
    const end = (failure: Failure) => {
      resolve(failure)
      over.abort()
    }
    pipe(
      client.executeSubscription(createRequest(liveSubscription, { groups, since })),
      takeUntil(stop),
      onEnd(() => end(lost)),
      subscribe((result) => {
        const change = result.data?.scalingActivityChanged
        if (change) onChange(change)
        const failure = failureOf(result)
        if (failure) end(failure)
      }),
    )
  })
}
