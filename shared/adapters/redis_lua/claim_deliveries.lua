-- Takes deliveries whose time has come. ARGV: prefix, now, lease, limit, per site (all in seconds or counts).
-- Returns name and number of each claim, flat. Names sort by job and sequence number, so that equals go in order.
local now, lease_s, limit, per_site = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local CHUNK, FARTHEST = 200, 10000
local out, taken, at_site, offset = {}, 0, {}, 0
while taken < limit and offset < FARTHEST do
  local names = redis.call('ZRANGEBYSCORE', key('deliveries_due'), '-inf', ARGV[2], 'LIMIT', offset, CHUNK)
  if #names == 0 then break end
  for _, name in ipairs(names) do
    local delivery = key('delivery:' .. name)
    local stored = redis.call('HMGET', delivery, 'site', 'leased_until')
    local site = stored[1]
    if not at_site[site] then
      at_site[site] = redis.call('ZCOUNT', key('deliveries_at:' .. site), '(' .. ARGV[2], '+inf')
    end
    if taken < limit and tonumber(stored[2]) <= now and at_site[site] < per_site then
      at_site[site], taken = at_site[site] + 1, taken + 1
      local number = redis.call('HINCRBY', delivery, 'claims', 1)
      redis.call('HSET', delivery, 'leased_until', stamp(now + lease_s))
      redis.call('ZADD', key('deliveries_at:' .. site), stamp(now + lease_s), name)
      table.insert(out, name)
      table.insert(out, number)
    end
  end
  offset = offset + CHUNK
end
return out
