# Collects how a Windows machine is addressed, and prints it as one line of JSON. README.md beside this file describes the format.
#
# It reads only. It needs Windows Server 2012 R2 or newer with PowerShell 4 or newer, and no module that Windows does not have. It is sent
# as the text of a Systems Manager command, so it is ASCII, and two opening braces never stand side by side: Systems Manager would
# replace them.
#
# STAYPUT_ROOT          prefix of all files, for tests
# STAYPUT_IMDS          base URL of the instance metadata service, default http://169.254.169.254
# STAYPUT_TABLE         DynamoDB table: the machine also writes a row for itself
# STAYPUT_TABLE_REGION  region of the table, default: the region of the machine
# STAYPUT_DYNAMODB      base URL of DynamoDB, default: the endpoint of the region

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'

# Systems Manager returns the first 24,000 characters of the output.
$Limit = 23900
$Services = @('169.254.169.254', '169.254.169.253', '169.254.169.123', '169.254.169.250', '169.254.169.251',
    'fd00:ec2::254', 'fd00:ec2::253', 'fd00:ec2::123', 'fd00:ec2::250')
$NetworkClass = '{4D36E972-E325-11CE-BFC1-08002BE10318}'
$ControlSet = 'HKLM:\SYSTEM\CurrentControlSet'

$Imds = $env:STAYPUT_IMDS
if (-not $Imds) { $Imds = 'http://169.254.169.254' }
$Imds = $Imds.TrimEnd('/')

# ---- JSON ---------------------------------------------------------------------------------------------------------------------------

# The value as a JSON string in ASCII. A value that is too long ends in "...(cut)".
function Format-String([string]$Value, [int]$Most) {
    $out = New-Object System.Text.StringBuilder
    [void]$out.Append('"')
    for ($i = 0; $i -lt $Value.Length; $i++) {
        if ($out.Length -gt $Most) { [void]$out.Append('...(cut)'); break }
        $c = $Value[$i]
        $n = [int]$c
        if ($n -eq 34) { [void]$out.Append('\"') }
        elseif ($n -eq 92) { [void]$out.Append('\\') }
        elseif ($n -eq 10) { [void]$out.Append('\n') }
        elseif ($n -eq 13) { [void]$out.Append('\r') }
        elseif ($n -eq 9) { [void]$out.Append('\t') }
        elseif ($n -ge 32 -and $n -lt 127) { [void]$out.Append($c) }
        elseif ([char]::IsHighSurrogate($c) -and ($i + 1) -lt $Value.Length -and [char]::IsLowSurrogate($Value[$i + 1])) {
            [void]$out.Append('\u' + $n.ToString('x4') + '\u' + ([int]$Value[$i + 1]).ToString('x4'))
            $i++
        }
        # Half of a pair is no character.
        elseif ([char]::IsSurrogate($c)) { [void]$out.Append('\ufffd') }
        else { [void]$out.Append('\u' + $n.ToString('x4')) }
    }
    [void]$out.Append('"')
    return $out.ToString()
}

function Format-Json($Value, [int]$Most = 300) {
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [string]) { return (Format-String $Value $Most) }
    if ($Value -is [bool]) { if ($Value) { return 'true' } else { return 'false' } }
    if ($Value -is [byte] -or $Value -is [int16] -or $Value -is [uint16] -or $Value -is [int] -or $Value -is [uint32] -or
        $Value -is [long] -or $Value -is [uint64]) {
        return $Value.ToString([Globalization.CultureInfo]::InvariantCulture)
    }
    $parts = New-Object System.Collections.ArrayList
    if ($Value -is [System.Collections.IDictionary]) {
        foreach ($key in $Value.Keys) {
            [void]$parts.Add((Format-String ([string]$key) 100) + ':' + (Format-Json $Value[$key] $Most))
        }
        return '{' + ($parts -join ',') + '}'
    }
    if ($Value -is [System.Collections.IEnumerable]) {
        foreach ($item in $Value) { [void]$parts.Add((Format-Json $item $Most)) }
        return '[' + ($parts -join ',') + ']'
    }
    return (Format-String ([string]$Value) $Most)
}

# ---- what was collected -------------------------------------------------------------------------------------------------------------

$Items = New-Object System.Collections.ArrayList
$Failed = New-Object System.Collections.ArrayList
$Lost = @{}
$Looked = [ordered]@{}
# What later parts need. Parts run in a scope of their own, so they change this table and set no variable of the script.
$State = @{ Identity = $null; System = $null; Dns = $null; Token = $null; Name = $env:COMPUTERNAME; NameFrom = 'hostname'; Present = $null
    Addresses = @(); Routes = @(); Uses = 0 }

# An item of a section. Items of rank 1 are the most important.
function Add-Entry([int]$Rank, [string]$Section, $Value, [string]$Label) {
    [void]$Items.Add(@{ Rank = $Rank; Section = $Section; Text = (Format-Json $Value); Label = $Label; Kept = $false })
}

# A part that could not be read. What does not exist is no failure.
function Add-Failure([string]$Part, [string]$Why) {
    [void]$Failed.Add('{"part":' + (Format-String $Part 160) + ',"why":' + (Format-String (Hide-Secret $Why) 160) + '}')
}

# Items that a bound has excluded.
function Add-Lost([string]$Section, [long]$Count) {
    if ($Count -gt 0) { $Lost[$Section] = [long]$Lost[$Section] + $Count }
}

# Runs a part. Its error is reported, and the other parts go on.
function Invoke-Part([string]$Part, [scriptblock]$Body) {
    try { [void](& $Body) } catch { Add-Failure $Part $_.Exception.Message }
}

function Hide-Secret([string]$Text) {
    $Text = [regex]::Replace($Text, '(?i)([a-z0-9_.\-]*(psk|passw|passphrase|secret|private[-_.]?key|credential|authorization|((auth|access|api|bearer|session|security|metadata)[-_]?(token|key)))[a-z0-9_.\-]*["'']?\s*[:=\s]\s*).+', '$1(stripped)')
    $Text = [regex]::Replace($Text, '(?i)(\s[-/](u|p|pw|pass|user|password))[\s:=]+\S+', '$1 (stripped)')
    $Text = [regex]::Replace($Text, '://[^\s"<>@/]*:[^\s"<>@]*@', '://(stripped)@')
    return [regex]::Replace($Text, 'A[KS]IA[A-Z0-9]{8,}', '(stripped)')
}

# The services that a text mentions. 169.254.169.25 and 169.254.169.2540 are other addresses.
function Get-Mentioned([string]$Text) {
    $found = New-Object System.Collections.ArrayList
    foreach ($service in $Services) {
        $pattern = '(?<![0-9.])' + [regex]::Escape($service) + '(?![0-9]|\.[0-9])'
        if ($service.Contains(':')) { $pattern = '(?i)(?<![0-9a-f:])' + [regex]::Escape($service) + '(?![0-9a-f:])' }
        if ([regex]::IsMatch($Text, $pattern)) { [void]$found.Add($service) }
    }
    return , $found
}

function Add-Use([int]$Rank, [hashtable]$Use, [string]$Text) {
    $found = Get-Mentioned $Text
    if ($found.Count -eq 0) { return }
    $State.Uses++
    if ($State.Uses -gt 80) { Add-Lost 'uses' 1; return }
    $value = [ordered]@{ where = $Use['where']; addresses = $found }
    foreach ($key in $Use.Keys) { if ($key -ne 'where') { $value[$key] = $Use[$key] } }
    if ($Use['where'] -ne 'agent' -and $Use['where'] -ne 'socket') {
        $shown = Hide-Secret $Text.Trim()
        $at = $shown.IndexOf([string]$found[0], [StringComparison]::OrdinalIgnoreCase)
        if ($at -gt 80) { $shown = '...' + $shown.Substring($at - 60) }
        if ($shown.Length -gt 160) { $shown = $shown.Substring(0, 160) + '...(cut)' }
        $value['text'] = $shown
    }
    Add-Entry $Rank 'uses' $value ''
}

# ---- files and registry -------------------------------------------------------------------------------------------------------------

function Get-GuestPath([string]$Path) {
    if ($env:STAYPUT_ROOT) { return (Join-Path $env:STAYPUT_ROOT ($Path -replace '^[A-Za-z]:[\\/]', '')) }
    return $Path
}

# The first bytes of a file as text, or null if it does not exist.
function Read-Start([string]$Path, [int]$Most) {
    $real = Get-GuestPath $Path
    $stream = $null
    try { $stream = [IO.File]::Open($real, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete') }
    catch [IO.FileNotFoundException] { return $null }
    catch [IO.DirectoryNotFoundException] { return $null }
    try {
        $buffer = New-Object byte[] $Most
        $count = 0
        while ($count -lt $Most) {
            $more = $stream.Read($buffer, $count, $Most - $count)
            if ($more -le 0) { break }
            $count += $more
        }
        $text = (New-Object System.Text.UTF8Encoding($false, $false)).GetString($buffer, 0, $count)
        if ($count -ge 2 -and $buffer[0] -eq 255 -and $buffer[1] -eq 254) { $text = [Text.Encoding]::Unicode.GetString($buffer, 2, $count - 2) }
        return @{ Text = $text.TrimStart([char]0xFEFF); Bytes = $stream.Length; Cut = ($stream.Length -gt $count) }
    } finally { $stream.Dispose() }
}

# A value of the registry, or null if the key or the value does not exist.
function Get-Value([string]$Key, [string]$Name) {
    if (-not (Test-Path -LiteralPath $Key)) { return $null }
    $item = Get-Item -LiteralPath $Key
    return $item.GetValue($Name, $null)
}

function Get-List($Value) {
    $list = New-Object System.Collections.ArrayList
    foreach ($one in @($Value)) {
        if ($null -ne $one -and [string]$one -ne '' -and [string]$one -ne '0.0.0.0') { [void]$list.Add([string]$one) }
    }
    return , $list
}

# ---- instance metadata, version 2 ---------------------------------------------------------------------------------------------------

# Returns the status (0 without an answer) and the text of an answer.
function Invoke-Http([string]$Method, [string]$Url, [hashtable]$Headers, [byte[]]$Body, [bool]$UseProxy, [int]$Seconds) {
    $request = [Net.WebRequest]::Create($Url)
    $request.Method = $Method
    $request.Timeout = $Seconds * 1000
    $request.ReadWriteTimeout = $Seconds * 1000
    $request.AllowAutoRedirect = $false
    if (-not $UseProxy) { $request.Proxy = $null }
    foreach ($name in $Headers.Keys) {
        if ($name -eq 'Content-Type') { $request.ContentType = $Headers[$name] } else { $request.Headers[$name] = $Headers[$name] }
    }
    $response = $null
    try {
        if ($null -ne $Body) {
            $request.ServicePoint.Expect100Continue = $false
            $request.ContentLength = $Body.Length
            $stream = $request.GetRequestStream()
            $stream.Write($Body, 0, $Body.Length)
            $stream.Dispose()
        } elseif ($Method -eq 'PUT') { $request.ContentLength = 0 }
        $response = $request.GetResponse()
    } catch {
        $cause = $_.Exception
        while ($null -ne $cause -and -not ($cause -is [Net.WebException])) { $cause = $cause.InnerException }
        if ($null -eq $cause -or $null -eq $cause.Response) { return @{ Code = 0; Text = '' } }
        $response = $cause.Response
    }
    try {
        $reader = New-Object System.IO.StreamReader($response.GetResponseStream(), [Text.Encoding]::UTF8)
        $buffer = New-Object char[] 65536
        $count = $reader.ReadBlock($buffer, 0, $buffer.Length)
        return @{ Code = [int]$response.StatusCode; Text = (New-Object string($buffer, 0, $count)) }
    } finally { $response.Close() }
}

function Get-Metadata([string]$Path) {
    return (Invoke-Http 'GET' ($Imds + $Path) @{ 'X-aws-ec2-metadata-token' = $State.Token } $null $false 5)
}

function Get-Reason($Answer) {
    if ($Answer.Code -eq 0) { return 'no answer from the instance metadata service' }
    if ($Answer.Code -eq 403) { return 'HTTP 403: the instance metadata service is off, or a firewall of the guest forbids it' }
    return 'HTTP ' + $Answer.Code
}

Invoke-Part 'identity' {
    $answer = Invoke-Http 'PUT' ($Imds + '/latest/api/token') @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '300' } $null $false 5
    if ($answer.Code -ne 200) { throw ('token: ' + (Get-Reason $answer)) }
    if ($answer.Text -notmatch '^[A-Za-z0-9+/=_-]+$') { throw 'the token of the instance metadata service is not one' }
    $State.Token = $answer.Text
    $answer = Get-Metadata '/latest/dynamic/instance-identity/document'
    if ($answer.Code -ne 200) { throw ('document: ' + (Get-Reason $answer)) }
    $document = $answer.Text | ConvertFrom-Json
    $State.Identity = [ordered]@{}
    foreach ($member in @(@('instance_id', 'instanceId', '^i-[0-9a-f]+$'), @('region', 'region', '^[a-z0-9-]+$'),
            @('account', 'accountId', '^[0-9]+$'), @('zone', 'availabilityZone', '^[a-z0-9-]+$'), @('private_ip', 'privateIp', '^[0-9.]+$'))) {
        $value = [string]$document.($member[1])
        if ($value -cmatch $member[2] -and $value.Length -lt 64) { $State.Identity[$member[0]] = $value } else {
            $State.Identity[$member[0]] = $null
            Add-Failure 'identity' ('the identity document has no valid ' + $member[1])
        }
    }
}
Invoke-Part 'name' {
    if ($State.Token) {
        $answer = Get-Metadata '/latest/meta-data/tags/instance/Name'
        if ($answer.Code -eq 200 -and $answer.Text) {
            $State.Name = $answer.Text
            $State.NameFrom = 'tag'
        } elseif ($answer.Code -ne 404) { throw ('tags: ' + (Get-Reason $answer)) }
    }
}

# ---- system and interfaces ----------------------------------------------------------------------------------------------------------

Invoke-Part 'system' {
    $State.System = [ordered]@{ id = 'windows'; version = $null; name = $null; kernel = $null; arch = $env:PROCESSOR_ARCHITECTURE
        hostname = $env:COMPUTERNAME; root = $null; powershell = $PSVersionTable.PSVersion.ToString() }
    $principal = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    $State.System['root'] = $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    $os = Get-CimInstance -ClassName Win32_OperatingSystem
    $State.System['version'] = $os.Version
    $State.System['name'] = $os.Caption
    $State.System['kernel'] = $os.BuildNumber
}

# Network devices that are plugged in, by the id of the device.
Invoke-Part 'devices' {
    $all = @{}
    foreach ($device in @(Get-CimInstance -ClassName Win32_PnPEntity -Filter ("ClassGuid='" + $NetworkClass + "'"))) {
        if ($device.Present -ne $false) { $all[[string]$device.PNPDeviceID] = $true }
    }
    $State.Present = $all
}

Invoke-Part 'addresses' { $State.Addresses = @(Get-NetIPAddress) }
Invoke-Part 'routes' { $State.Routes = @(Get-NetRoute) }

function Get-Origin($Address) {
    $prefix = [string]$Address.PrefixOrigin
    if ($prefix -eq 'Dhcp') { return 'dhcp' }
    if ($prefix -eq 'Manual') { return 'static' }
    if ($prefix -eq 'RouterAdvertisement') { return 'ra' }
    if ($prefix -eq 'WellKnown') { return 'link-local' }
    return 'unknown'
}

Invoke-Part 'interfaces' {
    $seen = 0
    foreach ($adapter in @(Get-NetAdapter)) {
        $seen++
        if ($seen -gt 40) { Add-Lost 'interfaces' 1; continue }
        $addresses = New-Object System.Collections.ArrayList
        $more = 0
        $method = $null
        foreach ($address in @($State.Addresses | Where-Object { $_.InterfaceIndex -eq $adapter.ifIndex })) {
            if ($addresses.Count -ge 64) { $more++; continue }
            $origin = Get-Origin $address
            if ($origin -eq 'static' -or $origin -eq 'dhcp') {
                if (-not $method) { $method = $origin } elseif ($method -ne $origin) { $method = 'mixed' }
            }
            $one = [ordered]@{ address = ([string]$address.IPAddress + '/' + $address.PrefixLength); origin = $origin }
            if ($address.SkipAsSource) { $one['skip_as_source'] = $true }
            if ([string]$address.AddressState -ne 'Preferred') { $one['state'] = [string]$address.AddressState }
            [void]$addresses.Add($one)
        }
        $key = $ControlSet + '\Services\Tcpip\Parameters\Interfaces\' + $adapter.InterfaceGuid
        $gateways = @($State.Routes | Where-Object { $_.InterfaceIndex -eq $adapter.ifIndex -and
                ($_.DestinationPrefix -eq '0.0.0.0/0' -or $_.DestinationPrefix -eq '::/0') } | ForEach-Object { $_.NextHop } | Select-Object -Unique)
        $value = [ordered]@{
            name = [string]$adapter.Name
            mac = ([string]$adapter.MacAddress).Replace('-', ':').ToLowerInvariant()
            up = ([string]$adapter.Status -eq 'Up')
            mtu = $adapter.MtuSize
            driver = [string]$adapter.DriverFileName
            device = [string]$adapter.PnPDeviceID
            description = [string]$adapter.InterfaceDescription
            guid = [string]$adapter.InterfaceGuid
            method = $method
            addresses = $addresses
            gateways = (Get-List $gateways)
            dns_static = (Get-List (([string](Get-Value $key 'NameServer')) -split '[ ,]+'))
            dns_dhcp = (Get-List (([string](Get-Value $key 'DhcpNameServer')) -split '[ ,]+'))
        }
        # A MAC address that is set in the registry, instead of that of the device.
        if ($adapter.PermanentAddress) {
            $permanent = ([string]$adapter.PermanentAddress) -replace '[:-]', ''
            if ($permanent -ne ($value['mac'] -replace ':', '')) { $value['permanent_mac'] = ($permanent -replace '(..)(?=.)', '$1:').ToLowerInvariant() }
        }
        if ($more) { $value['more_addresses'] = $more }
        $rank = 1
        if ([string]$adapter.PnPDeviceID -match '^(ROOT|SWD)\\' -and $addresses.Count -eq 0) { $rank = 8 }
        Add-Entry $rank 'interfaces' $value ([string]$adapter.Name)
        foreach ($server in $value['dns_static']) { Add-Use 5 @{ where = 'dns'; interface = [string]$adapter.Name } $server }
    }
}

Invoke-Part 'dns' {
    $servers = New-Object System.Collections.ArrayList
    foreach ($entry in @(Get-DnsClientServerAddress)) {
        foreach ($server in @($entry.ServerAddresses)) { if ($server -and -not $servers.Contains([string]$server)) { [void]$servers.Add([string]$server) } }
    }
    $tcpip = $ControlSet + '\Services\Tcpip\Parameters'
    $State.Dns = [ordered]@{ servers = $servers; search = (Get-List (([string](Get-Value $tcpip 'SearchList')) -split '[ ,]+'))
        domain = [string](Get-Value $tcpip 'Domain') }
}

Invoke-Part 'routes' {
    $count = 0
    foreach ($route in $State.Routes) {
        $prefix = [string]$route.DestinationPrefix
        # Routes to own addresses, broadcast, multicast and loopback exist on every machine.
        if ($prefix -match '^(127\.|224\.|ff00:|fe80:|::1/|255\.255\.255\.255/)') { continue }
        $next = [string]$route.NextHop
        $direct = ($next -eq '0.0.0.0' -or $next -eq '::')
        if ($direct -and ($prefix -match '/(32|128)$' -or $prefix -match '\.255/32$')) { continue }
        $count++
        if ($count -gt 120) { Add-Lost 'routes' 1; continue }
        $text = $prefix
        if (-not $direct) { $text += ' via ' + $next }
        $text += ' dev ' + [string]$route.InterfaceAlias + ' metric ' + $route.RouteMetric
        $rank = 4
        if (-not $direct) { $rank = 1 }
        Add-Entry $rank 'routes' $text ''
    }
}

Invoke-Part 'persistent_routes' {
    $key = $ControlSet + '\Services\Tcpip\Parameters\PersistentRoutes'
    if (Test-Path -LiteralPath $key) {
        $names = @((Get-Item -LiteralPath $key).GetValueNames())
        $Looked['persistent_routes'] = $names.Count
        $count = 0
        foreach ($text in $names) {
            if (-not $text) { continue }
            $count++
            # Destination, mask, gateway, metric.
            if ($count -gt 60) { Add-Lost 'persistent_routes' 1 } else { Add-Entry 2 'persistent_routes' ([string]$text) '' }
            Add-Use 5 @{ where = 'persistent-route' } ([string]$text)
        }
    } else { $Looked['persistent_routes'] = 0 }
}

# ---- settings that are bound to a device --------------------------------------------------------------------------------------------

# Static settings of an interface in the registry, or null if it uses DHCP or has none.
function Get-Profile([string]$Guid) {
    $key = $ControlSet + '\Services\Tcpip\Parameters\Interfaces\' + $Guid
    if (-not (Test-Path -LiteralPath $key)) { return $null }
    $addresses = Get-List (Get-Value $key 'IPAddress')
    $servers = Get-List (([string](Get-Value $key 'NameServer')) -split '[ ,]+')
    $dhcp = Get-Value $key 'EnableDHCP'
    if (($dhcp -ne 0 -or $addresses.Count -eq 0) -and $servers.Count -eq 0) { return $null }
    return [ordered]@{ dhcp = ($dhcp -ne 0); addresses = $addresses; masks = (Get-List (Get-Value $key 'SubnetMask'))
        gateways = (Get-List (Get-Value $key 'DefaultGateway')); dns = $servers }
}

# Adapters that Windows knows but that are not plugged in (ghost adapters), and static settings of all adapters.
Invoke-Part 'bindings' {
    $network = $ControlSet + '\Control\Network\' + $NetworkClass
    $ghosts = 0
    $profiles = 0
    if (Test-Path -LiteralPath $network) {
        $problems = @()
        $connections = @(Get-ChildItem -LiteralPath $network -ErrorAction SilentlyContinue -ErrorVariable problems)
        if ($problems.Count) { Add-Failure 'bindings' ([string]$problems.Count + ' keys of network connections could not be read') }
        foreach ($item in $connections) {
            $guid = $item.PSChildName
            if ($guid -notmatch '^\{[0-9A-Fa-f-]+\}$') { continue }
            $connection = $network + '\' + $guid + '\Connection'
            if (-not (Test-Path -LiteralPath $connection)) { continue }
            $device = [string](Get-Value $connection 'PnpInstanceID')
            $settings = Get-Profile $guid
            $here = $null
            if ($null -ne $State.Present) { $here = $State.Present.ContainsKey($device) }
            # Software adapters without settings of their own are on every machine.
            if ($null -eq $settings -and ($here -ne $false -or $device -match '^(ROOT|SWD)\\' -or -not $device)) { continue }
            if ($here -eq $false) { $ghosts++ }
            if ($null -ne $settings) { $profiles++ }
            if (($ghosts + $profiles) -gt 60) { Add-Lost 'bindings' 1; continue }
            $rank = 2
            if ($null -eq $settings) { $rank = 4 }
            Add-Entry $rank 'bindings' ([ordered]@{ by = 'device'; name = [string](Get-Value $connection 'Name'); device = $device; guid = $guid
                    present = $here; static = $settings }) ''
        }
    }
    $Looked['ghost_adapters'] = $ghosts
    $Looked['static_profiles'] = $profiles

    # MAC addresses that are set by hand. The key Properties cannot be read by administrators, so errors are usual here.
    $class = $ControlSet + '\Control\Class\' + $NetworkClass
    foreach ($item in @(Get-ChildItem -LiteralPath $class -ErrorAction SilentlyContinue)) {
        if ($item.PSChildName -notmatch '^[0-9]{4}$') { continue }
        $mac = [string]$item.GetValue('NetworkAddress', '')
        if ($mac) {
            Add-Entry 2 'bindings' ([ordered]@{ by = 'mac'; mac = $mac; name = [string]$item.GetValue('DriverDesc', '')
                    guid = [string]$item.GetValue('NetCfgInstanceId', '') }) ''
        }
    }
}

# ---- hosts --------------------------------------------------------------------------------------------------------------------------

Invoke-Part 'file:hosts' {
    $path = Join-Path $(if ($env:SystemRoot) { $env:SystemRoot } else { 'C:\Windows' }) 'System32\drivers\etc\hosts'
    $Looked['hosts'] = 0
    $file = Read-Start $path 262144
    if ($null -ne $file) {
        $Looked['hosts'] = 1
        if ($file.Cut) { Add-Lost 'hosts (bytes that were not read)' ($file.Bytes - 262144) }
        $kept = 0
        $size = 0
        $number = 0
        foreach ($line in ($file.Text -split "`n")) {
            $number++
            $line = (($line -replace '#.*', '') -replace '\s+', ' ').Trim()
            if (-not $line -or $line -match '^(127\.0\.0\.1|::1)( localhost)+$') { continue }
            Add-Use 5 @{ where = 'file'; path = $path; line = $number } $line
            if ($kept -ge 200 -or $size -ge 6000) { Add-Lost 'hosts' 1; continue }
            $kept++
            $size += $line.Length + 3
            Add-Entry 5 'hosts' $line ''
        }
    }
}

# ---- drivers of the new platform ----------------------------------------------------------------------------------------------------

Invoke-Part 'drivers' {
    $virtio = [ordered]@{}
    foreach ($service in @('netkvm', 'vioscsi', 'viostor', 'balloon', 'vioser')) {
        $key = $ControlSet + '\Services\' + $service
        $root = $(if ($env:SystemRoot) { $env:SystemRoot } else { 'C:\Windows' })
        $file = Test-Path -LiteralPath (Get-GuestPath (Join-Path $root ('System32\drivers\' + $service + '.sys')))
        if (Test-Path -LiteralPath $key) { $virtio[$service] = [ordered]@{ state = 'installed'; file = $file; start = (Get-Value $key 'Start') } }
        elseif ($file) { $virtio[$service] = [ordered]@{ state = 'file-only'; file = $true } }
        else { $virtio[$service] = [ordered]@{ state = 'absent' } }
    }
    # Packages in the driver store are installed when the device appears.
    $store = New-Object System.Collections.ArrayList
    $folder = Get-GuestPath (Join-Path $(if ($env:SystemRoot) { $env:SystemRoot } else { 'C:\Windows' }) 'System32\DriverStore\FileRepository')
    foreach ($pattern in @('netkvm.inf_*', 'vioscsi.inf_*', 'viostor.inf_*')) {
        foreach ($entry in @(Get-ChildItem -Path (Join-Path $folder $pattern) -ErrorAction SilentlyContinue | Select-Object -First 5)) { [void]$store.Add($entry.Name) }
    }
    $programs = New-Object System.Collections.ArrayList
    foreach ($key in @('HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall', 'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall')) {
        if (-not (Test-Path -LiteralPath $key)) { continue }
        foreach ($item in @(Get-ChildItem -LiteralPath $key -ErrorAction SilentlyContinue)) {
            $name = [string]$item.GetValue('DisplayName', '')
            if ($name -match 'Nutanix|VirtIO' -and $programs.Count -lt 20) { [void]$programs.Add($name + ' ' + [string]$item.GetValue('DisplayVersion', '')) }
        }
    }
    $tools = New-Object System.Collections.ArrayList
    foreach ($service in @(Get-CimInstance -ClassName Win32_Service -Filter "Name LIKE 'Nutanix%' OR DisplayName LIKE 'Nutanix%'")) {
        [void]$tools.Add([string]$service.Name + ': ' + [string]$service.State)
    }
    Add-Entry 3 'drivers' ([ordered]@{ virtio = $virtio; driver_store = $store; programs = $programs; ngt = $tools }) ''
}

# ---- who uses the link-local services of EC2 ----------------------------------------------------------------------------------------

Invoke-Part 'uses:time' {
    Add-Use 5 @{ where = 'registry'; path = 'W32Time\Parameters\NtpServer' } ([string](Get-Value ($ControlSet + '\Services\W32Time\Parameters') 'NtpServer'))
}
Invoke-Part 'uses:kms' {
    foreach ($key in @('HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform', 'HKLM:\SOFTWARE\Microsoft\OfficeSoftwareProtectionPlatform')) {
        Add-Use 5 @{ where = 'registry'; path = ($key.Substring(6) + '\KeyManagementServiceName') } ([string](Get-Value $key 'KeyManagementServiceName'))
    }
}
Invoke-Part 'uses:environment' {
    $key = $ControlSet + '\Control\Session Manager\Environment'
    if (Test-Path -LiteralPath $key) {
        $item = Get-Item -LiteralPath $key
        foreach ($name in @($item.GetValueNames())) { Add-Use 5 @{ where = 'registry'; path = ('Environment\' + $name) } ($name + '=' + [string]$item.GetValue($name, '')) }
    }
}
Invoke-Part 'uses:sockets' {
    $names = @{}
    foreach ($connection in @(Get-NetTCPConnection)) {
        if ($Services -notcontains [string]$connection.RemoteAddress) { continue }
        $id = [int]$connection.OwningProcess
        # This script has connections too.
        if ($id -eq $PID) { continue }
        if (-not $names.ContainsKey($id)) {
            $process = Get-Process -Id $id -ErrorAction SilentlyContinue
            $names[$id] = $(if ($process) { [string]$process.ProcessName } else { $null })
        }
        Add-Use 5 @{ where = 'socket'; process = $names[$id]; pid = $id; protocol = 'tcp'; port = [int]$connection.RemotePort; state = [string]$connection.State } ([string]$connection.RemoteAddress)
    }
}
Invoke-Part 'uses:processes' {
    foreach ($process in @(Get-CimInstance -ClassName Win32_Process)) {
        if ([int]$process.ProcessId -eq $PID -or -not $process.CommandLine -or $process.CommandLine.Length -gt 20000) { continue }
        Add-Use 5 @{ where = 'process'; process = [string]$process.Name; pid = [int]$process.ProcessId } ([string]$process.CommandLine)
    }
}
Invoke-Part 'uses:files' {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $data = $(if ($env:ProgramData) { $env:ProgramData } else { 'C:\ProgramData' })
    $root = $(if ($env:SystemRoot) { $env:SystemRoot } else { 'C:\Windows' })
    $programs = $(if ($env:ProgramFiles) { $env:ProgramFiles } else { 'C:\Program Files' })
    foreach ($folder in @((Join-Path $root 'System32\Tasks'), (Join-Path $data 'Amazon\EC2Launch'), (Join-Path $data 'Amazon\EC2-Windows\Launch'),
            (Join-Path $data 'Amazon\SSM'), (Join-Path $programs 'Amazon\Ec2ConfigService'), (Join-Path $programs 'Amazon\EC2Launch'))) {
        $real = Get-GuestPath $folder
        if (-not (Test-Path -LiteralPath $real)) { continue }
        $problems = @()
        $unread = 0
        $files = @(Get-ChildItem -LiteralPath $real -Recurse -Force -ErrorAction SilentlyContinue -ErrorVariable problems | Where-Object {
                -not $_.PSIsContainer -and $_.Length -lt 262144 -and $_.Extension -notmatch '^\.(log|exe|dll|etl|zip|msi)$' })
        if ($problems.Count) { Add-Failure ('folder:' + $folder) ([string]$problems.Count + ' folders could not be listed') }
        $turn = 0
        foreach ($file in $files) {
            $turn++
            if ($turn -gt 600) { Add-Lost 'uses (files that were not searched)' ($files.Count - 600); break }
            if ($clock.Elapsed.TotalSeconds -gt 20) { throw 'the search was ended after 20 s' }
            $content = ''
            try { $content = [IO.File]::ReadAllText($file.FullName) } catch { $unread++ }
            if ((Get-Mentioned $content).Count -eq 0) { continue }
            $lines = 0
            $number = 0
            foreach ($line in ($content -split "`n")) {
                $number++
                if ($line.Length -gt 4000 -or (Get-Mentioned $line).Count -eq 0) { continue }
                $lines++
                if ($lines -gt 5) { Add-Lost 'uses' 1; continue }
                Add-Use 5 @{ where = 'file'; path = $file.FullName; line = $number } $line
            }
        }
        if ($unread) { Add-Failure ('folder:' + $folder) ([string]$unread + ' files could not be read') }
    }
}
Invoke-Part 'uses:agents' {
    foreach ($service in @('AmazonSSMAgent', 'AmazonCloudWatchAgent', 'Amazon EC2Launch', 'Ec2Config', 'AmazonECS', 'codedeployagent', 'AWSLiteAgent')) {
        if (Test-Path -LiteralPath ($ControlSet + '\Services\' + $service)) { Add-Use 6 @{ where = 'agent'; process = $service } '169.254.169.254' }
    }
}

# ---- output -------------------------------------------------------------------------------------------------------------------------

$failures = ''
$more = 0
foreach ($failure in $Failed) {
    if (($failures.Length + $failure.Length) -gt 3000) { $more++; continue }
    if ($failures) { $failures += ',' }
    $failures += $failure
}
if ($more) { $failures += ',{"part":"failed","why":"' + $more + ' more failures are not listed"}' }

$now = [DateTime]::UtcNow
$document = '"stayput_guest":1,"os":"windows","captured_at":"' + $now.ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture) + '","identity":' +
    (Format-Json $State.Identity) + ',"system":' + (Format-Json $State.System) + ',"dns":' + (Format-Json $State.Dns) + ',"looked":' + (Format-Json $Looked)

# For the names of the sections, the dropped items and the row.
$used = $document.Length + $failures.Length + 3000
foreach ($rank in 1..8) {
    foreach ($item in $Items) {
        if ($item.Rank -eq $rank -and ($used + $item.Text.Length + 1) -le $Limit) {
            $item.Kept = $true
            $used += $item.Text.Length + 1
        }
    }
}
$dropped = New-Object System.Collections.ArrayList
foreach ($section in @('interfaces', 'routes', 'rules', 'hosts', 'files', 'bindings', 'drivers', 'uses', 'persistent_routes')) {
    $texts = New-Object System.Collections.ArrayList
    $which = New-Object System.Collections.ArrayList
    $count = 0
    foreach ($item in $Items) {
        if ($item.Section -ne $section) { continue }
        if ($item.Kept) { [void]$texts.Add($item.Text); continue }
        $count++
        if ($item.Label -and $which.Count -lt 8) { [void]$which.Add($item.Label) }
    }
    if ($section -eq 'drivers') { $document += ',"drivers":' + $(if ($texts.Count) { $texts[0] } else { 'null' }) }
    else { $document += ',"' + $section + '":[' + ($texts -join ',') + ']' }
    if ($Lost.ContainsKey($section)) { $count += $Lost[$section]; $Lost.Remove($section) }
    if ($count) {
        $entry = [ordered]@{ section = $section; count = [long]$count }
        if ($which.Count) { $entry['which'] = $which }
        [void]$dropped.Add((Format-Json $entry 120))
    }
}
foreach ($section in @($Lost.Keys)) { [void]$dropped.Add((Format-Json ([ordered]@{ section = $section; count = [long]$Lost[$section] }))) }
$document += ',"dropped":[' + ($dropped -join ',') + ']'

# ---- the row in DynamoDB ------------------------------------------------------------------------------------------------------------

function Get-Hex([byte[]]$Bytes) { return ([BitConverter]::ToString($Bytes)).Replace('-', '').ToLowerInvariant() }

function Get-Digest([byte[]]$Bytes) {
    $sha = [Security.Cryptography.SHA256]::Create()
    try { return (Get-Hex $sha.ComputeHash($Bytes)) } finally { $sha.Dispose() }
}

function Get-Hmac([byte[]]$Key, [string]$Text) {
    $hmac = New-Object System.Security.Cryptography.HMACSHA256
    $hmac.Key = $Key
    try { return , $hmac.ComputeHash([Text.Encoding]::UTF8.GetBytes($Text)) } finally { $hmac.Dispose() }
}

# Writes the row and returns the text of its outcome. Throws the reason of a failure.
function Write-Row([string]$Captured) {
    $table = $env:STAYPUT_TABLE
    $region = $env:STAYPUT_TABLE_REGION
    if (-not $region -and $State.Identity) { $region = $State.Identity['region'] }
    if ($table -notmatch '^[A-Za-z0-9_.:/-]+$') { throw 'STAYPUT_TABLE is not the name of a table' }
    if ($region -cnotmatch '^[a-z0-9-]+$') { throw 'the region of the table is not known' }
    if (-not $State.Identity -or -not $State.Identity['instance_id']) { throw 'the instance id is not known' }
    $answer = Get-Metadata '/latest/meta-data/iam/security-credentials/'
    $role = ($answer.Text -split "`n")[0].Trim()
    if ($answer.Code -eq 404 -or ($answer.Code -eq 200 -and -not $role)) { throw 'the instance has no role' }
    if ($answer.Code -ne 200 -or $role -notmatch '^[A-Za-z0-9+=,.@_-]+$') { throw ('role: ' + (Get-Reason $answer)) }
    $answer = Get-Metadata ('/latest/meta-data/iam/security-credentials/' + $role)
    if ($answer.Code -ne 200) { throw ('credentials: ' + (Get-Reason $answer)) }
    $keys = $null
    try { $keys = $answer.Text | ConvertFrom-Json } catch { throw 'the credentials of the role are not JSON' }
    foreach ($value in @($keys.AccessKeyId, $keys.SecretAccessKey, $keys.Token)) {
        if ([string]$value -notmatch '^[A-Za-z0-9+/=]+$') { throw 'the credentials of the role are not complete' }
    }
    $url = 'https://dynamodb.' + $region + '.amazonaws.com'
    if ($region.StartsWith('cn-')) { $url += '.cn' }
    if ($env:STAYPUT_DYNAMODB) { $url = $env:STAYPUT_DYNAMODB }
    $url = $url.TrimEnd('/')
    $hostName = ($url -replace '^[a-z]+://', '') -replace '/.*', ''
    $item = [ordered]@{ InstanceId = [ordered]@{ S = $State.Identity['instance_id'] }; InstanceName = [ordered]@{ S = [string]$State.Name } }
    if ($State.Identity['private_ip']) { $item['PrivateIp'] = [ordered]@{ S = $State.Identity['private_ip'] } }
    $item['Captured'] = [ordered]@{ S = $Captured }
    $text = Format-Json ([ordered]@{ TableName = $table; Item = $item }) 100000
    $body = [Text.Encoding]::UTF8.GetBytes($text)

    $time = [DateTime]::UtcNow.ToString('yyyyMMddTHHmmssZ', [Globalization.CultureInfo]::InvariantCulture)
    $day = $time.Substring(0, 8)
    $scope = $day + '/' + $region + '/dynamodb/aws4_request'
    $signed = 'content-type;host;x-amz-date;x-amz-security-token;x-amz-target'
    $canonical = "POST`n/`n`ncontent-type:application/x-amz-json-1.0`nhost:" + $hostName + "`nx-amz-date:" + $time + "`nx-amz-security-token:" + $keys.Token +
        "`nx-amz-target:DynamoDB_20120810.PutItem`n`n" + $signed + "`n" + (Get-Digest $body)
    $string = "AWS4-HMAC-SHA256`n" + $time + "`n" + $scope + "`n" + (Get-Digest ([Text.Encoding]::UTF8.GetBytes($canonical)))
    $key = [Text.Encoding]::UTF8.GetBytes('AWS4' + $keys.SecretAccessKey)
    foreach ($part in @($day, $region, 'dynamodb', 'aws4_request', $string)) { $key = Get-Hmac $key $part }
    $headers = @{
        'Content-Type' = 'application/x-amz-json-1.0'
        'X-Amz-Date' = $time
        'X-Amz-Security-Token' = $keys.Token
        'X-Amz-Target' = 'DynamoDB_20120810.PutItem'
        'Authorization' = ('AWS4-HMAC-SHA256 Credential=' + $keys.AccessKeyId + '/' + $scope + ', SignedHeaders=' + $signed + ', Signature=' + (Get-Hex $key))
    }
    # Windows Server 2012 R2 does not offer TLS 1.2 by default.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072
    # Repeating the request is safe: it writes the same row.
    foreach ($try in 1..2) {
        $answer = Invoke-Http 'POST' ($url + '/') $headers $body $true 20
        if ($answer.Code -ne 0 -and $answer.Code -lt 500) { break }
        if ($try -eq 1) { Start-Sleep -Seconds 1 }
    }
    if ($answer.Code -eq 0) { throw ('no answer from ' + $hostName) }
    if ($answer.Code -ne 200) {
        $type = ''
        $message = ''
        try {
            $problem = $answer.Text | ConvertFrom-Json
            $type = ([string]$problem.__type) -replace '^.*#', ''
            $message = [string]$problem.message
        } catch { $message = '' }
        throw ('HTTP ' + $answer.Code + ' ' + $type + ' ' + $message)
    }
    return (Format-Json ([ordered]@{ written = $true; table = $table; region = $region; name_from = $State.NameFrom }))
}

$row = 'null'
if ($env:STAYPUT_TABLE) {
    try { $row = Write-Row ('{' + $document + ',"failed":[' + $failures + ']}') } catch {
        $why = Format-String (Hide-Secret $_.Exception.Message) 300
        $row = '{"written":false,"why":' + $why + '}'
        if ($failures) { $failures += ',' }
        $failures += '{"part":"row","why":' + $why + '}'
    }
}
[Console]::Out.Write('{' + $document + ',"failed":[' + $failures + '],"row":' + $row + "}`n")
exit 0
