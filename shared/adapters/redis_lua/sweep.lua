-- What has to be published now; the next look is scheduled before it is handed out.
-- ARGV: prefix, limit, lease, silence, first send (seconds), growth, longest spacing (seconds), claims at the most,
--       time until a last chance is looked at again, the event (JSON) that takes a lost answer's place, with {stage}.
-- Returns id, step, dispatch, work, reason of each, flat.
local limit, lease_s, now = tonumber(ARGV[2]), tonumber(ARGV[3]), now_s()
pulse(now, lease_s, tonumber(ARGV[4]))
local first_s, growth, longest_s = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local most_claims = tonumber(ARGV[8])
local amnesty_until = tonumber(redis.call('GET', key('amnesty_until')) or '0')
local out = {}

local function emit(id, step, dispatch, work, reason)
  for _, value in ipairs({id, step, dispatch, work, reason}) do table.insert(out, value) end
end

-- The last claim that a job may lose is made while no other job of its stage is at its last: two jobs that shared a
-- worker with the one that kills it must not go down with it again.
local function last_chance_is_free(id, stage)
  local other = redis.call('GET', key('last_chance:' .. stage))
  if not other or other == id then return true end
  local stored = redis.call('HMGET', job_key(other), 'work', 'stage', 'lost')
  return not (stored[1] == stage and stored[2] == stage and tonumber(stored[3] or '0') == most_claims - 1)
end

local function give_up(id, step, dispatch, stage)
  local event = cjson.decode(ARGV[10])
  event.step, event.at_s, event.message = tonumber(step), now, event.message:gsub('{stage}', stage)
  redis.call('HSET', job_key(id), 'answer', cjson.encode(event))
  wait_for(id, 'advance', stage, now, first_s)
  emit(id, step, dispatch, 'advance', 'given_up')
end

local function claim_expired(id, step, dispatch, stage, lost)
  if amnesty_until > now then return schedule(id, amnesty_until) end
  redis.call('HSET', job_key(id), 'lost', lost, 'holder', '')
  if lost >= most_claims then return give_up(id, step, dispatch, stage) end
  if lost == most_claims - 1 then
    if not last_chance_is_free(id, stage) then
      redis.call('HSET', job_key(id), 'lost', lost - 1, 'holder', 'waiting for its last chance')
      return schedule(id, now + tonumber(ARGV[9]))
    end
    redis.call('SET', key('last_chance:' .. stage), id)
  end
  local next_dispatch = redis.call('HINCRBY', job_key(id), 'dispatches', 1)
  redis.call('HSET', job_key(id), 'dispatch', next_dispatch)
  wait_for(id, stage, stage, now, first_s)
  redis.call('HSET', job_key(id), 'sends', 1)
  emit(id, step, next_dispatch, stage, 'claim_expired')
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('due'), '-inf', stamp(now), 'LIMIT', 0, limit)) do
  local stored = redis.call('HMGET', job_key(id), 'step', 'dispatch', 'work', 'holder', 'sends', 'lost')
  if not stored[1] then
    redis.call('ZREM', key('due'), id)
  elseif stored[4] ~= '' then
    claim_expired(id, stored[1], stored[2], stored[3], tonumber(stored[6]) + 1)
  else
    local sends = redis.call('HINCRBY', job_key(id), 'sends', 1)
    schedule(id, now + math.min(longest_s, first_s * growth ^ sends))
    emit(id, stored[1], stored[2], stored[3], 'unclaimed')
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('attention'), '-inf', stamp(now), 'LIMIT', 0, limit)) do
  local stored = redis.call('HMGET', job_key(id), 'step', 'dispatch')
  if stored[1] then
    redis.call('ZADD', key('attention'), stamp(now + first_s), id)
    emit(id, stored[1], stored[2], 'advance', 'attention')
  else
    redis.call('ZREM', key('attention'), id)
  end
end
return out
