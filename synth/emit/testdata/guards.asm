    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r4 = *(u64 *)(r4 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  if r4 != r5 -> cold                         
hot:
    9  r4 = r2                                     ; v32 bound
   10  r4 += 0x22                                  ; v32 bound
   11  if r4 > r3 -> punt short                    ; v32 bound
   12  r4 = *(u64 *)(r2 +0)                        ; v3 load.le
   13  r4 <<= 0x10                                 ; v5 and
   14  r5 = 0x605040302ee0000 ll                   ; v35 guard
   16  if r4 != r5 -> punt other-host              ; v35 guard
   17  r4 = *(u16 *)(r2 +12)                       ; v8 load
   18  r4 = be16 r4                                ; v8 load
   19  if w4 != 0x800 -> punt not-ip               ; v37 guard
   20  r4 = *(u16 *)(r2 +20)                       ; v11 load.le
   21  if w4 & 0xff3f -> punt fragment             ; v39 guard
   22  r4 = *(u32 *)(r2 +14)                       ; v14 load.le
   23  r5 = *(u32 *)(r2 +18)                       ; v15 load.le
   24  w4 &= 0xffff                                ; v16 and
   25  w5 &= 0xffff                                ; v17 and
   26  w4 += w5                                    ; v18 add
   27  w4 *= 0x10001                               ; v43 guard
   28  w4 += 0x10001                               ; v43 guard
   29  if w4 >= 0x10001 -> punt header-checksum    ; v43 guard
   30  r3 -= r2                                    ; v22 meta
   31  r4 = *(u16 *)(r2 +16)                       ; v23 load
   32  r4 = be16 r4                                ; v23 load
   33  if w4 > w3 -> punt length                   ; v44 guard
   34  r3 = be16 r3                                ; v46 store
   35  *(u16 *)(r2 +16) = r3                       ; v46 store
   36  call FnGetSmpProcessorId                    ; count fast
   37  w0 <<= 0xb                                  
   38  w0 &= 0x800                                 
   39  r2 = &stats[1024]                           
   41  r2 += r0                                    
   42  r3 = *(u64 *)(r2 +0)                        
   43  r3 += 0x1                                   
   44  *(u64 *)(r2 +0) = r3                        
   45  r1 = 0x7                                    ; redirect
   46  r2 = 0x0                                    
   47  call FnRedirect                             
   48  exit                                        
cold:
   49  r2 = &seen[8]                               ; v30 moved
   51  r3 = &built[8]                              ; v30 moved
   53  r2 = *(u64 *)(r2 +0)                        ; v30 moved
   54  r3 = *(u64 *)(r3 +0)                        ; v30 moved
   55  if r2 != r3 -> punt moved                   ; v49 guard
   56  goto -> punt short                          
punt moved:
   57  call FnGetSmpProcessorId                    
   58  r2 = 0x8                                    
   59  goto -> count and pass                      
punt short:
   60  call FnGetSmpProcessorId                    
   61  r2 = 0x10                                   
   62  goto -> count and pass                      
punt other-host:
   63  call FnGetSmpProcessorId                    
   64  r2 = 0x18                                   
   65  goto -> count and pass                      
punt not-ip:
   66  call FnGetSmpProcessorId                    
   67  r2 = 0x20                                   
   68  goto -> count and pass                      
punt length:
   69  call FnGetSmpProcessorId                    
   70  r2 = 0x38                                   
   71  goto -> count and pass                      
punt fragment:
   72  call FnGetSmpProcessorId                    
   73  r2 = 0x40                                   
   74  goto -> count and pass                      
punt header-checksum:
   75  call FnGetSmpProcessorId                    
   76  r2 = 0x48                                   
count and pass:
   77  w0 <<= 0xb                                  
   78  w0 &= 0x800                                 
   79  r3 = &stats[0]                              
   81  r3 += r0                                    
   82  r3 += r2                                    
   83  r2 = *(u64 *)(r3 +0)                        
   84  r2 += 0x1                                   
   85  *(u64 *)(r3 +0) = r2                        
   86  r0 = 0x2                                    
   87  exit                                        
