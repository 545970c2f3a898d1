const wakeUps = new EventTarget()

/** retryNow ends all waits at once: after a new token, a click on "Try again", or when the network is back. */
export function retryNow() {
  wakeUps.dispatchEvent(new Event('wake'))
}

addEventListener('online', retryNow)

/** sleep ends after a time in milliseconds, or only by retryNow if it is undefined. It rejects if the signal is aborted. */
export function sleep(milliseconds: number | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const settled = new AbortController()
    const timer = milliseconds === undefined ? undefined : setTimeout(() => settle(resolve), milliseconds)
    const settle = (how: () => void) => {
      clearTimeout(timer)
      settled.abort()
      how()
    }
    signal.addEventListener('abort', () => settle(() => reject(signal.reason as Error)), { signal: settled.signal })
    wakeUps.addEventListener('wake', () => settle(resolve), { signal: settled.signal })
  })
}
