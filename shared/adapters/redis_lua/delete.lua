-- Deletes a job with all that lies beside it. ARGV: prefix, id. Returns 0 where there is no such job.
local id = ARGV[2]
local stored = redis.call('HMGET', job_key(id), 'status', 'owner', 'client_id', 'idempotency_key', 'work')
if not stored[1] then return 0 end
unlist(id, stored[2], stored[1])
unqueue(id, stored[5])
if redis.call('HGET', key('names:' .. stored[2]), stored[3]) == id then
  redis.call('HDEL', key('names:' .. stored[2]), stored[3])
end
local idempotency = key('key:' .. stored[2] .. ':' .. stored[4])
if (redis.call('GET', idempotency) or ''):match(' (.*)$') == id then redis.call('DEL', idempotency) end
for _, name in ipairs(redis.call('ZRANGE', key('deliveries:' .. id), 0, -1)) do
  local site = redis.call('HGET', key('delivery:' .. name), 'site')
  if site then redis.call('ZREM', key('deliveries_at:' .. site), name) end
  redis.call('ZREM', key('deliveries_due'), name)
  redis.call('DEL', key('delivery:' .. name))
end
for _, name in ipairs({'due', 'attention', 'expires'}) do redis.call('ZREM', key(name), id) end
redis.call('DEL', job_key(id), key('events:' .. id), key('deliveries:' .. id))
return 1
