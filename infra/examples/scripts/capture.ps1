# Prints the network configuration of a Windows guest. Changes nothing. Systems Manager keeps 24,000 characters of the output.
$ErrorActionPreference = 'Continue'

function Section($name) { Write-Output "`n== $name" }

Section 'hostname'
[System.Net.Dns]::GetHostName()
Section 'machine-id'
(Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography').MachineGuid
Section 'adapters'
Get-NetAdapter -IncludeHidden | Format-List Name, InterfaceIndex, MacAddress, Status, InterfaceDescription
Section 'addresses'
Get-NetIPAddress -AddressFamily IPv4 | Format-List InterfaceIndex, IPAddress, PrefixLength, PrefixOrigin
Section 'routes'
Get-NetRoute -AddressFamily IPv4 | Format-Table -AutoSize DestinationPrefix, NextHop, InterfaceIndex, RouteMetric
Section 'resolver'
Get-DnsClientServerAddress -AddressFamily IPv4 | Format-List InterfaceIndex, ServerAddresses
Section 'hosts'
Get-Content "$env:SystemRoot\System32\drivers\etc\hosts"
exit 0
